//! Histories in files: each format, what is wrong with a file, and the command's answers.

use crate::builder::Script;
use crate::command::{Cli, Ran};
use std::fmt::Write;
use tracecheck::schema::{Event, KvCall, KvOutcome, Node, Op};

/// c1 puts 1, then 2; c2 then gets `found`.
fn edn(found: &str) -> String {
    let mut text = String::new();
    for (process, kind, function, value) in [
        (1, "invoke", "put", "\"1\""),
        (1, "ok", "put", "\"1\""),
        (1, "invoke", "put", "\"2\""),
        (1, "ok", "put", "\"2\""),
        (2, "invoke", "get", "nil"),
        (2, "ok", "get", found),
    ] {
        let line =
            format!("{{:process {process}, :type :{kind}, :f :{function}, :key \"x\", :value {value}}}");
        writeln!(text, "{line}").expect("memory takes it");
    }
    text
}

fn jepsen(found: &str) -> String {
    [
        ("1\t:invoke\t:write\t1"),
        ("1\t:ok\t:write\t1"),
        ("1\t:invoke\t:cas\t[1 2]"),
        ("1\t:ok\t:cas\t[1 2]"),
        ("3\t:invoke\t:cas\t[4 1]"),
        ("3\t:fail\t:cas\t[4 1]"),
        ("5\t:invoke\t:write\t3"),
        (":nemesis\t:info\t:start\tnil"),
        ("2\t:invoke\t:read\tnil"),
        (&format!("2\t:ok\t:read\t{found}")),
        ("5\t:info\t:write\t:timed-out"),
    ]
    .map(|line| format!("INFO  jepsen.util - {line}\n"))
    .concat()
}

/// A line of a tracing server.
fn traced(tracer: &str, clock: &str, tag: &str, body: &str) -> String {
    format!(
        "{{\"TracerIdentity\":\"{tracer}\",\"TraceID\":7,\"Tag\":\"{tag}\",\"Body\":{body},\"VectorClock\":{{{clock}}}}}\n"
    )
}

/// client1 puts 1, then 2; client2 then gets `found`, having heard of client1 or not.
fn tracing(found: &str, heard: bool) -> Vec<String> {
    let put = |count: u64, op: u64| {
        let invoke = format!("{{\"ClientId\":\"client1\",\"OpId\":{op},\"Key\":\"x\",\"Value\":\"{op}\"}}");
        let clock = |count: u64| format!("\"client1\":{count}");
        [
            traced("client1", &clock(count), "kvslib.Put", &invoke),
            traced("client1", &clock(count + 1), "GenerateTokenTrace", "{\"Token\":\"x\"}"),
            traced(
                "server1",
                &format!("\"client1\":{},\"server1\":{count}", count + 1),
                "PutResult",
                "{\"OpId\":1}",
            ),
            traced("client1", &clock(count + 2), "kvslib.PutResultRecvd", &format!("{{\"OpId\":{op}}}")),
        ]
    };
    let seen = if heard { "\"client1\":7," } else { "" };
    let get = [
        traced("client2", &format!("{seen}\"client2\":1"), "KvslibGet", "{\"OpId\":1,\"Key\":\"x\"}"),
        traced(
            "client2",
            &format!("{seen}\"client2\":2"),
            "KvslibGetResult",
            &format!("{{\"OpId\":1,\"Key\":\"x\",\"Value\":\"{found}\"}}"),
        ),
    ];
    [&put(1, 1)[..], &put(5, 2), &get].concat()
}

/// c1 puts 1, then 2; c2 then gets `found`; c3's append is never answered.
fn own(found: &str) -> Script {
    let mut script = Script::started(3);
    let mut push = |client: u32, event: Event| {
        script.push(Node::Client(client), event, None, None);
    };
    let key = || "x".to_owned();
    let op = |client_id: u32, op_id: u64| Op { client_id, op_id };
    for (number, value) in [(1, "1"), (2, "2")] {
        push(
            1,
            Event::Invoke {
                op: op(1, number),
                call: Box::new(KvCall::Put { key: key(), value: value.to_owned() }),
            },
        );
        push(1, Event::Return { op: op(1, number), outcome: KvOutcome::Done {} });
    }
    push(
        3,
        Event::Invoke { op: op(3, 1), call: Box::new(KvCall::Append { key: key(), value: "3".to_owned() }) },
    );
    push(2, Event::Invoke { op: op(2, 1), call: Box::new(KvCall::Get { key: key() }) });
    push(2, Event::Return { op: op(2, 1), outcome: KvOutcome::Value { value: found.to_owned() } });
    script.end()
}

/// The exit code and the one line of `linearizable --quiet`, without the file's name.
fn quiet(cli: &Cli, name: &str, text: impl AsRef<[u8]>) -> (i32, String) {
    let path = cli.file(name, text);
    let Ran { code, out, err } = cli.run(&["linearizable", "--quiet", &path]);
    (code, format!("{out}{err}").replace(&format!("{path}: "), ""))
}

#[test]
fn every_format_is_guessed_and_judged() {
    let cli = Cli::new();
    let joined = |found: &str| tracing(found, true).concat();
    for (name, good, bad) in [
        ("h.edn", edn("\"2\""), edn("\"1\"")),
        ("h.log", jepsen("3"), jepsen("1")),
        ("h.json", joined("2"), joined("1")),
        ("h.jsonl", own("23").text(), own("1").text()),
    ] {
        let (code, out) = quiet(&cli, name, &good);
        assert_eq!(code, 0, "{out}");
        assert!(out.starts_with("pass: linearizable: "), "{out}");
        let (code, out) = quiet(&cli, name, &bad);
        assert_eq!(code, 1, "{out}");
        assert!(
            out.contains("c2's get of ") && out.contains(" returned \"1\" although c1's "),
            "{name}: {out}"
        );
    }
    let path = cli.file("named", jepsen("2"));
    assert_eq!(cli.run(&["linearizable", "--format", "jepsen", &path]).code, 0);
    let Ran { code, err, .. } = cli.run(&["linearizable", "--format", "edn", &path]);
    assert_eq!(code, 2);
    assert!(err.contains("line 1 is not a map such as {:process 0"), "{err}");
    assert_eq!(cli.run_with_input(&["linearizable", "-"], &edn("\"1\"")).code, 1);
}

#[test]
fn what_other_logs_mean() {
    let cli = Cli::new();
    let codes = |text: String| quiet(&cli, "h", text).0;
    // A write that timed out may take effect at any later time, or never.
    assert_eq!(codes(jepsen("2")), 0);
    assert_eq!(codes(jepsen("3")), 0);
    // A cas that failed did not happen, and nil is the initial value.
    assert_eq!(codes(jepsen("4")), 1);
    assert_eq!(codes(jepsen("nil")), 1);
    assert_eq!(
        codes("INFO  jepsen.util - 2 :invoke :read nil\nINFO  jepsen.util - 2 :ok :read nil\n".to_owned()),
        0
    );
    // A read that timed out says nothing.
    assert_eq!(
        codes(
            "INFO  jepsen.util - 2 :invoke :read nil\nINFO  jepsen.util - 2 :info :read :timed-out\n"
                .to_owned()
        ),
        0
    );
    let escaped = edn("\"a\\\"\\n\\\\b\"").replace(":value \"2\"", ":value \"a\\\"\\n\\\\b\"");
    assert_eq!(codes(escaped), 0);
    assert_eq!(codes(edn("2").replace("\"x\"", ":x")), 0, "numbers are values, keywords are keys");
}

/// Lines in another order than the clocks' are put in order; what the clocks do not order proves nothing.
#[test]
fn vector_clocks_decide_the_order() {
    let cli = Cli::new();
    let mut lines = tracing("1", true);
    lines.reverse();
    let (code, out) = quiet(&cli, "h", lines.concat());
    assert_eq!(code, 1, "{out}");
    let (code, out) = quiet(&cli, "h", tracing("1", false).concat());
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("the vector clocks do not bear that order out"), "{out}");
    let mut lines = tracing("2", true);
    lines.reverse();
    assert_eq!(quiet(&cli, "h", lines.concat()).0, 0);
}

#[test]
fn what_cannot_be_read_gets_one_sentence() {
    let cli = Cli::new();
    let lines = |text: &str, line: usize, new: &str| -> String {
        let change =
            |(number, old): (usize, &str)| if number + 1 == line { new.to_owned() } else { old.to_owned() };
        text.lines().enumerate().map(change).map(|line| line + "\n").collect()
    };
    let (e, j, t) = (edn("\"2\""), jepsen("2"), tracing("2", true).concat());
    let own = own("23").text();
    let cases: Vec<(String, &str)> = vec![
        (String::new(), "it is empty"),
        ("\n \n".to_owned(), "it is empty"),
        ("hello\n".to_owned(), "its format cannot be guessed from line 1"),
        ("{\"a\":1}\n".to_owned(), "its format cannot be guessed from line 1"),
        (lines(&e, 2, "{:process 1, :type :ok"), "line 2 ends in the middle of a map"),
        (lines(&e, 2, "{:process 1, :type :okay, :f :put}"), "line 2 has the :type `:okay`"),
        (lines(&e, 3, "{:process 1, :type :invoke, :f :swap, :value 1}"), "line 3 has the operation `:swap`"),
        (lines(&e, 2, ""), "line 3 invokes an operation of process 1, whose last one has not ended"),
        (lines(&e, 1, ""), "line 2 ends an operation of process 1, which had invoked none"),
        (lines(&e, 2, "{:process 1, :type :ok, :f :get, :value 1}"), "line 2 ends a :get of process 1"),
        (lines(&e, 6, "{:process 2, :type :ok, :f :get}"), "line 6 is a get that ended without a :value"),
        (lines(&e, 1, &format!("{{:process {}", "[".repeat(100_000))), "line 1 is nested too deep"),
        (
            lines(&j, 2, "INFO  jepsen.util - x\t:ok\t:write\t1"),
            "line 2 has `x` where the number of a process",
        ),
        (lines(&j, 3, "INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2"), "line 3 has `[1 2`, whose bracket"),
        (lines(&j, 3, "INFO  jepsen.util - 1\t:invoke\t:cas\t1"), "line 3 has a :cas without its two values"),
        (lines(&j, 3, "what?"), "line 3 has none of :invoke, :ok, :fail and :info"),
        ("INFO  jepsen.core - Everything looks good!\n".to_owned(), "no operation of a client in it"),
        (lines(&t, 3, "{\"TracerIdentity\":"), "line 3 is not JSON"),
        (t.replacen("\"VectorClock\"", "\"Clock\"", 1), "line 1 has no VectorClock"),
        (t.replacen("\"Key\":\"x\",", "", 1), "line 1 is an operation without a Key"),
        (lines(&own, 2, "{}"), "line 2 is not a record"),
    ];
    for (text, sentence) in cases {
        let (code, out) = quiet(&cli, "h", &text);
        assert_eq!(code, 2, "{sentence}: {out}");
        assert!(out.contains(sentence), "{sentence}: {out}");
        assert_eq!(out.lines().count(), 2, "one line for the verdict, one sentence: {out}");
    }
    let (code, out) = quiet(&cli, "h", [b'{', b':', 0xff, b'\n']);
    assert_eq!(code, 2);
    assert!(out.contains("line 1 is not text"), "{out}");
    assert_eq!(cli.run(&["linearizable", "nowhere.edn"]).code, 2);
    assert_eq!(cli.run(&["linearizable"]).code, 2);
}

/// What is cut off may go on: a violation stays one, and anything else is unknown.
#[test]
fn a_history_that_is_cut_off_is_unknown() {
    let cli = Cli::new();
    for (good, bad) in [
        (edn("\"2\"") + "{:process 2, :type :inv", edn("\"1\"") + "{:process 2, :type :inv"),
        (jepsen("2") + "INFO  jepsen.util - 2\t:inv", jepsen("1") + "INFO  jepsen.util - 2\t:"),
        (tracing("2", true).concat() + "{\"Trac", tracing("1", true).concat() + "{\"Trac"),
        (own("23").text().rsplit_once("{\"node\":\"run\"").expect("an end").0.to_owned(), own("1").text()),
    ] {
        let (code, out) = quiet(&cli, "h", good);
        assert_eq!(code, 3, "{out}");
        assert!(out.contains("linearizable so far, but "), "{out}");
        assert_eq!(quiet(&cli, "h", bad).0, 1);
    }
    let whole = edn("\"2\"");
    assert_eq!(quiet(&cli, "h", whole.trim_end()).0, 0, "only the newline is missing");
}

#[test]
fn past_the_budget_the_verdict_is_unknown() {
    let cli = Cli::new();
    let path = cli.file("h", jepsen("4"));
    let Ran { code, out, .. } = cli.run(&["linearizable", "--budget", "1", &path]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("were not decided within 1 steps"), "{out}");
}

#[test]
fn json_for_programs() {
    let cli = Cli::new();
    let path = cli.file("h.edn", edn("\"1\""));
    let Ran { code, out, .. } = cli.run(&["linearizable", "--output", "json", &path, "missing"]);
    assert_eq!(code, 1);
    let values: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(values[0]["overall"], "fail");
    assert_eq!(values[0]["format"], "edn");
    assert_eq!(values[0]["operations"], 3);
    assert_eq!(values[0]["violation"]["key"], "x");
    assert_eq!(values[0]["violation"]["operations"][2]["returnedLine"], 6);
    assert_eq!(values[0]["violation"]["couldFind"], serde_json::json!(["2"]));
    assert_eq!(values[1]["overall"], "unreadable");
}
