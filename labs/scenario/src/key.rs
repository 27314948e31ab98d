//! The key of a failure: what it has in common with all others of its cause, whatever the seed.

use crate::line::CauseKind;
use crate::report::Failure;

/// The rule's id, with what is the matter unless it was broken; the place of a panic; or a sentence in which `#` stands
/// for every number, and one server for any list of them.
pub(crate) fn of(failure: &Failure) -> String {
    let sentence = failure.lines.first().map(|(_, text)| text.as_str()).unwrap_or_default();
    let place = failure.lines.iter().find(|(label, _)| *label == "place").map(|(_, place)| place);
    match (failure.kind, failure.rule, place) {
        (CauseKind::Rule, Some(rule), _) => rule.to_owned(),
        (CauseKind::Undecided, Some(rule), _) => format!("{rule} undecided"),
        (CauseKind::Missed, Some(rule), _) => format!("{rule} not exercised"),
        (CauseKind::Panic, _, Some(place)) => format!("panic at {place}"),
        // These numbers are part of names.
        (CauseKind::NotImplemented, ..) => sentence.to_owned(),
        _ => alike(sentence),
    }
}

/// The sentence without what differs from seed to seed.
pub(crate) fn alike(sentence: &str) -> String {
    let masked = masked(sentence);
    let mut out: Vec<&str> = Vec::new();
    for word in masked.split(' ') {
        if is_id(word) {
            let listed = match &out[..] {
                [.., first, "and"] => is_id(first),
                [.., first] => is_id(first) && first.ends_with(','),
                [] => false,
            };
            if listed {
                let last = if out.last() == Some(&"and") { out.len() - 2 } else { out.len() - 1 };
                out.truncate(last);
            }
        }
        out.push(word);
    }
    out.join(" ")
}

/// Whether a word of a masked sentence names a server or a client.
fn is_id(word: &str) -> bool {
    matches!(word.trim_end_matches([',', '.', ':', ';']), "s#" | "c#")
}

fn masked(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            other => out.push(other),
        }
    }
    out
}
