//! Sets of pending operations, and a memory of configurations that knows which of them dominate others.

use crate::linear::texts::Symbol;
use rustc_hash::FxHashMap;

/// A set of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mask<const W: usize>(pub(super) [u64; W]);

impl<const W: usize> Mask<W> {
    pub(super) const EMPTY: Self = Mask([0; W]);

    pub(super) fn has(&self, slot: u32) -> bool {
        self.0[(slot / 64) as usize] >> (slot % 64) & 1 == 1
    }

    pub(super) fn set(&mut self, slot: u32) {
        self.0[(slot / 64) as usize] |= 1 << (slot % 64);
    }

    pub(super) fn clear(&mut self, slot: u32) {
        self.0[(slot / 64) as usize] &= !(1 << (slot % 64));
    }

    /// The slots below `slots`.
    fn below(&self, slots: u32) -> Self {
        let mut part = *self;
        for (word, from) in part.0.iter_mut().zip((0_u32..).step_by(64)) {
            *word &= match slots.saturating_sub(from) {
                0 => 0,
                some @ 1..=63 => (1 << some) - 1,
                _ => u64::MAX,
            };
        }
        part
    }

    fn within(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(own, other)| own & !other == 0)
    }
}

/// Where a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Configuration<const W: usize> {
    /// The pending operations that have taken effect.
    pub(super) mask: Mask<W>,
    /// The return that comes next, by number.
    pub(super) level: u32,
    /// The key's value.
    pub(super) state: Symbol,
}

/// Configurations that were met. Of two that differ only in the unknown operations that were used up, the one
/// with fewer can do all that the other can.
pub(super) struct Seen<const W: usize> {
    /// Slots below this are of operations that return.
    closed: u32,
    heads: FxHashMap<(Mask<W>, u32, Symbol), u32>,
    masks: Vec<(Mask<W>, u32)>,
}

const END: u32 = u32::MAX;

impl<const W: usize> Seen<W> {
    pub(super) fn new(closed: u32) -> Self {
        Seen { closed, heads: FxHashMap::default(), masks: Vec::new() }
    }

    /// Remembers a configuration; `false` if one that was met before does as well.
    pub(super) fn insert(&mut self, found: &Configuration<W>) -> bool {
        let key = (found.mask.below(self.closed), found.level, found.state);
        let head = self.heads.entry(key).or_insert(END);
        let mut next = *head;
        while next != END {
            let (mask, after) = &self.masks[next as usize];
            if mask.within(&found.mask) {
                return false;
            }
            next = *after;
        }
        let place = u32::try_from(self.masks.len()).expect("a budget of steps keeps them fewer");
        self.masks.push((found.mask, *head));
        *head = place;
        true
    }

    /// Whether a better one came after this one was inserted.
    pub(super) fn is_dominated(&self, found: &Configuration<W>) -> bool {
        let key = (found.mask.below(self.closed), found.level, found.state);
        let mut next = self.heads.get(&key).copied().unwrap_or(END);
        while next != END {
            let (mask, after) = &self.masks[next as usize];
            if *mask != found.mask && mask.within(&found.mask) {
                return true;
            }
            next = *after;
        }
        false
    }
}
