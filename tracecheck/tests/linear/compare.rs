//! Small random histories, judged by the checker and by a plain permutation search.

use super::maker::{Plan, history, make};
use super::reference::is_linearizable;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tracecheck::linear::{Budget, Verdict, check};

/// A small history of any kind.
fn plan(seed: u64) -> Plan {
    let mut random = Pcg64Mcg::seed_from_u64(seed ^ 0x5eed);
    let mixes = [
        [3, 2, 0, 0, 0],
        [2, 2, 0, 2, 0],
        [2, 0, 3, 0, 0],
        [3, 2, 2, 0, 0],
        [2, 1, 2, 2, 1],
        [2, 1, 0, 4, 1],
        [3, 2, 0, 0, 1],
    ];
    Plan {
        clients: random.random_range(2..=4),
        operations: random.random_range(3..=8),
        keys: if random.random_range(0..6) == 0 { 2 } else { 1 },
        mix: mixes[random.random_range(0..mixes.len())],
        values: random.random_range(0..=3),
        unknown: [0, 200, 500][random.random_range(0..3)],
        most_unknown: 4,
        lies: [100, 500, 800][random.random_range(0..3)],
    }
}

/// How many of so many histories are linearizable, and how many are not. Panics where the two disagree.
pub(crate) fn compare(seeds: std::ops::Range<u64>) -> (u64, u64) {
    let (mut good, mut bad) = (0, 0);
    for seed in seeds {
        let operations = make(plan(seed), seed);
        let history = history(&operations);
        let verdict = check(&history, Budget::default());
        let breadth = check(&history, Budget { depth_first: None, ..Budget::default() });
        assert_eq!(verdict, breadth, "seed {seed}: breadth first says otherwise");
        let expected = is_linearizable(&operations);
        match (&verdict, expected) {
            (Verdict::Linearizable { .. }, true) => good += 1,
            (Verdict::Violation(_), false) => bad += 1,
            _ => {
                panic!("seed {seed}: the checker says {verdict:?}, the reference {expected}\n{operations:#?}")
            }
        }
    }
    (good, bad)
}
