//! Seeded randomness: independent streams, one a purpose.
//!
//! Streams are separate so that one more draw for one purpose does not shift every other: a run with one
//! fault less stays close to the run it came from.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::ops::RangeInclusive;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A stream of random numbers, a function of a seed and a label.
#[derive(Clone, Debug)]
pub struct Stream(Pcg64Mcg);

impl Stream {
    /// The stream of that label.
    pub fn new(seed: u64, label: &str) -> Self {
        Stream(Pcg64Mcg::seed_from_u64(xxh3_64_with_seed(label.as_bytes(), seed)))
    }

    /// A whole number from the range, both ends included.
    ///
    /// # Panics
    /// If the range is empty.
    pub fn draw(&mut self, range: RangeInclusive<u64>) -> u64 {
        self.0.random_range(range)
    }

    /// True with a probability of `per_mille` in 1,000.
    pub fn chance(&mut self, per_mille: u16) -> bool {
        per_mille > 0 && self.0.random_range(0..1000) < per_mille
    }

    /// Puts the items into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.draw(0..=last as u64) as usize);
        }
    }
}
