//! The checker and a plain permutation search say the same of small random histories.

use super::compare::compare;
use super::maker::{Plan, history, make};
use tracecheck::linear::{Budget, Verdict, check};
use tracecheck::schema::{KvCall, KvOutcome};

#[test]
fn twenty_thousand_small_histories() {
    let (good, bad) = compare(0..20_000);
    assert!(good > 5_000 && bad > 5_000, "both verdicts must be frequent: {good} and {bad}");
}

/// What a real map of registers did is linearizable, also where many operations are pending at once.
#[test]
fn correct_histories_of_any_size_are_linearizable() {
    let mixes = [[2, 1, 0, 0, 0], [2, 1, 0, 2, 0], [2, 0, 3, 0, 0], [4, 1, 3, 2, 1]];
    let mut decided = 0;
    for seed in 0..240 {
        let plan = Plan {
            clients: [3, 8, 30][seed as usize % 3],
            operations: [60, 200, 600][seed as usize / 3 % 3],
            keys: 1 + u32::try_from(seed % 2).expect("small"),
            mix: mixes[seed as usize % mixes.len()],
            values: [0, 5][seed as usize / 4 % 2],
            unknown: [0, 100, 400][seed as usize / 8 % 3],
            most_unknown: 150,
            lies: 0,
        };
        let history = history(&make(plan, seed));
        let budget = Budget { steps: 20_000, ..Budget::default() };
        for depth_first in [Some(500), None] {
            match check(&history, Budget { depth_first, ..budget }) {
                Verdict::Linearizable { .. } => decided += 1,
                Verdict::Unknown(_) => {}
                Verdict::Violation(why) => {
                    panic!("seed {seed}, {plan:?}: {}\n{}", why.sentence, why.picture(100))
                }
            }
        }
    }
    assert!(decided > 400, "only {decided} of 480 were decided");
}

/// The two ways to judge gets and puts of unique values say the same of histories too long for the reference.
#[test]
fn zones_and_the_search_agree() {
    let (mut good, mut bad) = (0, 0);
    for seed in 0..600 {
        let plan = Plan {
            clients: 2 + seed % 5,
            operations: 40,
            keys: 1,
            mix: [2, 1, 0, 0, 0],
            values: 0,
            unknown: [0, 200][seed as usize % 2],
            most_unknown: 10,
            lies: [0, 30][seed as usize / 2 % 2],
        };
        let mut operations = make(plan, seed);
        let by_zones = check(&history(&operations), Budget::default());
        // An append of nothing changes nothing, but is none of the zones' operations.
        let mut last = operations[0].clone();
        (last.client, last.call) = (99, KvCall::Append { key: "k0".to_owned(), value: String::new() });
        (last.outcome, last.returned) = (KvOutcome::Done {}, Some(last.invoked));
        operations.push(last);
        let by_search = check(&history(&operations), Budget::default());
        match (&by_zones, &by_search) {
            (Verdict::Linearizable { by_zones: 1, .. }, Verdict::Linearizable { by_zones: 0, .. }) => {
                good += 1
            }
            (Verdict::Violation(_), Verdict::Violation(_)) => bad += 1,
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert!(good > 100 && bad > 100, "both verdicts must be frequent: {good} and {bad}");
}
