//! What a student reads: the sentence for each kind of contradiction, and one explanation in full.

use crate::command::Cli;
use tracecheck::linear::{Budget, Explanation, History, Operation, Verdict, check};
use tracecheck::schema::{KvCall, KvOutcome};

/// A history of one key in a line: `client call outcome from-to`, separated by `;`. Calls are `p:a` (put), `a:b`
/// (append), `c:a:b` (cas), `g` (get), `d` (delete); an outcome is the value of a get, `yes` or `no` of a cas, `ok`,
/// or `?`.
fn explain(text: &str) -> Explanation {
    let mut history = History::new();
    for line in text.split(';') {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [client, call, outcome, times] = words[..] else { panic!("{line}: four words") };
        let (from, to) = times.split_once('-').expect("from-to");
        let key = || "x".to_owned();
        let call = match call.split(':').collect::<Vec<_>>()[..] {
            ["p", value] => KvCall::Put { key: key(), value: value.to_owned() },
            ["a", value] => KvCall::Append { key: key(), value: value.to_owned() },
            ["c", from, to] => KvCall::Cas { key: key(), from: from.to_owned(), to: to.to_owned() },
            ["d"] => KvCall::Delete { key: key() },
            _ => KvCall::Get { key: key() },
        };
        let outcome = match outcome {
            "?" => KvOutcome::Unknown {},
            "ok" => KvOutcome::Done {},
            "yes" | "no" => KvOutcome::Swapped { swapped: outcome == "yes" },
            "-" => KvOutcome::Value { value: String::new() },
            value => KvOutcome::Value { value: value.to_owned() },
        };
        let invoked = from.parse().expect("a number");
        let operation = Operation {
            client: client.parse().expect("a number"),
            call,
            outcome,
            invoked,
            returned: to.parse().ok(),
            invoked_at: 0,
            returned_at: 0,
        };
        history.push(&operation).expect("a history");
    }
    match check(&history, Budget::default()) {
        Verdict::Violation(why) => *why,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn each_contradiction_has_its_sentence() {
    for (text, sentence, needed) in [
        ("1 g z 1-2", "c1's get of x returned \"z\", which nobody had put there.", 1),
        ("1 g b 1-2; 2 p:b ok 3-4", "c1's get of x returned \"b\" before c2's put of \"b\" was invoked.", 1),
        (
            "1 p:a ok 1-2; 1 p:b ok 3-4; 2 g a 5-6",
            "c2's get of x returned \"a\" although c1's put of \"b\" had returned before it was invoked, and \"a\" had been overwritten.",
            3,
        ),
        (
            "1 p:b ok 1-2; 2 g - 3-4",
            "c2's get of x found nothing although c1's put of \"b\" had returned before it was invoked.",
            2,
        ),
        (
            "1 p:a ok 1-2; 2 p:b ok 3-10; 3 g b 4-5; 4 g a 6-7",
            "c4's get of x returned \"a\" although c3's get had found \"b\" before it was invoked: by then \"a\" had been overwritten.",
            3,
        ),
        (
            "1 a:1 ok 1-2; 2 a:2 ok 3-4; 3 g 1 5-6",
            "c3's get of x returned \"1\" although c2's append of \"2\" had returned before it was invoked: \"2\" is missing.",
            2,
        ),
        (
            "1 a:1 ok 1-9; 2 a:2 ok 1-9; 3 g 12 2-8; 4 g 21 2-8",
            "c3's get of x returned \"12\" and c4's get \"21\": appends only add at the end, so one of the two must begin with the other.",
            2,
        ),
        (
            "1 a:1 ok 1-9; 2 a:2 ? 1-9; 3 g 12 2-3; 4 g 1 4-5",
            "c4's get of x returned \"1\" although c3's get had found \"12\" before it was invoked, and nothing made it shorter.",
            2,
        ),
        ("1 a:1 ok 1-4; 3 g 11 2-3", "c3's get of x returned \"11\", which no order of the writes gives.", 1),
        (
            "1 p:a ok 1-2; 2 c:a:b yes 3-6; 3 c:a:c yes 3-6",
            "c2's cas from \"a\" to \"b\" and c3's cas from \"a\" to \"c\" both found \"a\" in x, which was there only once: whichever came first had changed it.",
            2,
        ),
        (
            "1 p:a ok 1-2; 2 c:a:b no 3-4",
            "c2's cas of x found another value than \"a\", but in every legal order of the other operations x held \"a\" then.",
            2,
        ),
    ] {
        let why = explain(text);
        assert_eq!(why.sentence, sentence, "{text}\n{}", why.picture(80));
        assert!(why.minimal, "{text}");
        assert_eq!(
            why.needed.iter().filter(|needed| **needed).count(),
            needed,
            "{text}\n{}",
            why.picture(80)
        );
        assert_eq!(why.left_out.len(), 1, "{text}");
        let picture = why.picture(80) + &why.nearest(80);
        assert!(picture.lines().all(|line| line.chars().count() <= 80), "{picture}");
    }
}

/// Operations that have nothing to do with the contradiction are not shown.
#[test]
fn a_long_history_is_cut_down_to_the_few_that_matter() {
    let mut text = String::new();
    for number in 0..300 {
        let at = 10 * number;
        text += &format!(
            "1 p:v{number} ok {}-{}; 2 g v{number} {}-{}; 3 c:v{number}:v{number} yes {}-{};",
            at,
            at + 1,
            at + 2,
            at + 3,
            at + 4,
            at + 5
        );
    }
    let why = explain(&(text + "4 g v298 3001-3002"));
    assert!(why.sentence.starts_with("c4's get of x returned \"v298\" although c"), "{}", why.sentence);
    assert!(why.minimal);
    assert_eq!(why.needed.iter().filter(|needed| **needed).count(), 3, "{}", why.picture(80));
    assert!(why.operations.len() <= 4, "{}", why.picture(80));
}

#[test]
fn golden() {
    let cli = Cli::new();
    let line = |process: u32, kind: &str, f: &str, value: &str| {
        format!("{{:process {process}, :type :{kind}, :f :{f}, :key \"x\", :value {value}}}\n")
    };
    let text = [
        line(1, "invoke", "put", "\"a\""),
        line(3, "invoke", "put", "\"z\""),
        line(1, "ok", "put", "\"a\""),
        line(2, "invoke", "get", "nil"),
        line(1, "invoke", "put", "\"b\""),
        line(2, "ok", "get", "\"a\""),
        line(1, "ok", "put", "\"b\""),
        line(2, "invoke", "get", "nil"),
        line(2, "ok", "get", "\"a\""),
        line(3, "info", "put", ":timed-out"),
    ];
    cli.file("history.edn", text.concat());
    let ran = cli.run(&["linearizable", "history.edn"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let expected = "\
history.edn: FAIL
  c2's get of x returned \"a\" although c1's put of \"b\" had returned before it was
  invoked, and \"a\" had been overwritten.

The 3 operations that cannot be ordered on key \"x\"; time goes from left to
right:
> c1  put \"a\"  ok   lines 1-3  ├───┤
> c1  put \"b\"  ok   lines 5-7          ├───┤
> c2  get      \"a\"  lines 8-9                  ├───┤

The nearest legal order leaves out c2's get:
  1. c1 put \"a\": ok
  2. c1 put \"b\": ok
Where it has room, it would have had to find \"b\".
";
    assert_eq!(ran.out, expected, "{}", ran.out);
}
