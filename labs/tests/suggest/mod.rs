//! What a mistyped name may have meant.

use labs::suggest::{nearest, unknown, unknown_whole};

fn names() -> Vec<String> {
    [
        "lab2a_01_first_leader",
        "lab2a_05_old_messages",
        "lab2a_14_deaf_leader",
        "lab2b_01_agreement",
        "lab3a_01_basic",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn a_slip_or_a_piece_finds_the_name() {
    let best = |asked: &str| nearest(asked, &names()).first().cloned().unwrap_or_default();
    assert_eq!(best("lab2a_14_dead_leader"), "lab2a_14_deaf_leader");
    assert_eq!(best("lab2a_5"), "lab2a_05_old_messages");
    assert_eq!(best("agreement"), "lab2b_01_agreement");
    assert_eq!(best("LAB3A_01"), "lab3a_01_basic");
    assert_eq!(best("DEAF"), "lab2a_14_deaf_leader");
    assert_eq!(best("quux"), "");
    assert_eq!(best(""), "");
}

#[test]
fn the_sentence() {
    assert_eq!(
        unknown_whole("deaf_leader", &names()),
        "no scenario is called `deaf_leader`; did you mean lab2a_14_deaf_leader?"
    );
    assert_eq!(
        unknown("zzz", &names()),
        "no scenario's name begins with `zzz`; there are lab2a, lab2b and lab3a"
    );
    for asked in ["lab9x", "lab2", "labs", "lab9x_01"] {
        let said = unknown(asked, &names());
        assert!(said.ends_with("; there are lab2a, lab2b and lab3a"), "{said}");
    }
    assert_eq!(unknown("x", &[]), "no scenario's name begins with `x`; there is none at all");
}
