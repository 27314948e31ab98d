//! The values that matter for one key: those that somebody observed, and what can become one by appending.
//!
//! A value is a `Symbol`. All values that nobody observed, and that no append can turn into an observed one, are
//! the same: `NOWHERE`. Where there are appends, a value that is a proper beginning of an observed one
//! gets a symbol when a search first meets it; it is kept as its length and the range of the observed values
//! (sorted) that begin so, so that no text is ever put together.
//!
//! Invariant: two texts with the same symbol can be told apart by no operation of the key.

use super::history::{EMPTY, History};
use super::model::{Act, OPEN, Step};
use rustc_hash::FxHashMap;

/// A value of the key.
pub(crate) type Symbol = u32;

/// Texts of more letters in all are not searched for what was appended.
const LONG: usize = 1 << 20;

/// Every value that can no longer be observed.
pub(crate) const NOWHERE: Symbol = 0;

/// A beginning of observed values.
#[derive(Clone, Copy, Debug)]
struct Beginning {
    /// The observed values that begin so, by position.
    from: u32,
    to: u32,
    length: usize,
    /// The last return of an operation that observes one of these values.
    until: u32,
}

/// The symbols of one key.
#[derive(Debug)]
pub(crate) struct Texts<'a> {
    history: &'a History,
    appends: bool,
    /// The numbers of the observed values, sorted by text. Position `p` has the symbol `p + 1`.
    observed: Vec<u32>,
    positions: FxHashMap<u32, u32>,
    /// By symbol; the first is `NOWHERE`.
    beginnings: Vec<Beginning>,
    /// By length and first observed value.
    known: FxHashMap<(usize, u32), Symbol>,
    /// What was appended to what, with what result.
    appended: FxHashMap<(Symbol, u32), Symbol>,
    /// The last return of an observer of each observed value.
    until: Vec<u32>,
    /// What is appended, with the number that stands for all texts that are equal.
    suffixes: FxHashMap<&'a str, u32>,
    /// The lengths of what is appended, ascending.
    lengths: Vec<usize>,
    /// By symbol: what it was before the last append to it, as far as that was asked for.
    shorter: FxHashMap<Symbol, Shorter>,
}

/// What a value was before the last append to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shorter {
    /// Nothing that is appended is its end.
    Never,
    /// This, and that text was appended.
    By(u32, Symbol),
    /// There are several ways.
    Unclear,
}

impl<'a> Texts<'a> {
    pub(crate) fn new(history: &'a History, observed: impl Iterator<Item = u32>, appends: bool) -> Texts<'a> {
        let mut observed: Vec<u32> = observed.collect();
        observed.sort_unstable();
        observed.dedup();
        if appends {
            observed.sort_by(|a, b| history.value(*a).cmp(history.value(*b)));
        }
        let positions = (0..).zip(&observed).map(|(position, number)| (*number, position)).collect();
        let mut texts = Texts {
            history,
            appends,
            until: vec![0; observed.len()],
            observed,
            positions,
            beginnings: vec![Beginning { from: 0, to: 0, length: 0, until: OPEN }],
            known: FxHashMap::default(),
            appended: FxHashMap::default(),
            suffixes: FxHashMap::default(),
            lengths: Vec::new(),
            shorter: FxHashMap::default(),
        };
        for position in 0..texts.len() {
            let length = texts.text(position).len();
            let range = if appends {
                texts.range(0, texts.len(), 0, texts.text(position))
            } else {
                (position, position + 1)
            };
            texts.add(range, length);
        }
        texts
    }

    /// How many values are observed.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.observed.len()).expect("numbers of values have 32 bits")
    }

    /// Where in the sorted list a symbol's own text stands, if it is observed.
    pub(crate) fn observed(&self, symbol: Symbol) -> Option<u32> {
        (1..=self.len()).contains(&symbol).then(|| symbol - 1)
    }

    /// The text at a position of the sorted list.
    pub(crate) fn text(&self, position: u32) -> &'a str {
        self.history.value(self.observed[position as usize])
    }

    /// The text of a number of the history.
    pub(crate) fn appendix(&self, number: u32) -> &'a str {
        self.history.value(number)
    }

    /// The observed values that begin with a symbol's text, by position.
    pub(crate) fn extensions(&self, symbol: Symbol) -> (u32, u32) {
        let found = &self.beginnings[symbol as usize];
        (found.from, found.to)
    }

    /// The last return of an operation that observes a value with this beginning. After it the symbol is as good
    /// as `NOWHERE`.
    pub(crate) fn until(&self, symbol: Symbol) -> u32 {
        self.beginnings[symbol as usize].until
    }

    /// The symbol of a value of the history, for a put or a read of it.
    pub(crate) fn symbol(&self, number: u32) -> Symbol {
        if let Some(position) = self.positions.get(&number) {
            return position + 1;
        }
        if !self.appends {
            return NOWHERE;
        }
        let text = self.history.value(number);
        let (from, to) = self.range(0, self.len(), 0, text);
        if from == to {
            return NOWHERE;
        }
        *self.known.get(&(text.len(), from)).unwrap_or(&NOWHERE)
    }

    /// Makes sure that a value that may be written has a symbol.
    pub(crate) fn learn(&mut self, number: u32) {
        if self.appends && !self.positions.contains_key(&number) {
            let text = self.history.value(number);
            let range = self.range(0, self.len(), 0, text);
            self.add(range, text.len());
        }
    }

    /// The value before the first operation.
    pub(crate) fn initial(&self) -> Symbol {
        self.symbol(EMPTY)
    }

    /// What a value becomes by appending.
    pub(crate) fn append(&mut self, symbol: Symbol, number: u32) -> Symbol {
        if symbol == NOWHERE {
            return NOWHERE;
        }
        if let Some(known) = self.appended.get(&(symbol, number)) {
            return *known;
        }
        let Beginning { from, to, length, .. } = self.beginnings[symbol as usize];
        let text = self.history.value(number);
        let range = self.range(from, to, length, text);
        let result = self.add(range, length + text.len());
        self.appended.insert((symbol, number), result);
        result
    }

    /// Learns until when each value is observed. To be called once, before any search.
    pub(crate) fn prepare(&mut self, steps: &[Step]) {
        for step in steps {
            if let Act::Append(number) = step.act {
                let text = self.history.value(number);
                self.suffixes.entry(text).or_insert(number);
                self.lengths.push(text.len());
            }
            if let Act::Read(symbol) | Act::Not(symbol) | Act::Swap(symbol, _) = step.act
                && let Some(position) = self.observed(symbol)
            {
                let until = &mut self.until[position as usize];
                *until = step.returned.max(*until);
            }
        }
        self.lengths.sort_unstable();
        self.lengths.dedup();
        for symbol in 1..self.beginnings.len() {
            let Beginning { from, to, .. } = self.beginnings[symbol];
            self.beginnings[symbol].until = self.last(from, to);
        }
    }

    /// What a value was before the last append to it.
    pub(crate) fn shorter(&mut self, symbol: Symbol) -> Shorter {
        if let Some(known) = self.shorter.get(&symbol) {
            return *known;
        }
        let Beginning { from, to, length, .. } = self.beginnings[symbol as usize];
        let mut found = Shorter::Never;
        if from < to {
            let text = self.text(from).get(..length).unwrap_or("");
            let ends = self.lengths.iter().filter_map(|size| {
                let begin = length.checked_sub(*size)?;
                Some((begin, *self.suffixes.get(text.get(begin..)?)?))
            });
            let ends: Vec<(usize, u32)> = ends.collect();
            found = match ends[..] {
                [] => Shorter::Never,
                [(begin, number)] => {
                    let range = self.range(0, self.len(), 0, &text[..begin]);
                    Shorter::By(number, self.add(range, begin))
                }
                _ => Shorter::Unclear,
            };
        }
        self.shorter.insert(symbol, found);
        found
    }

    /// Until when some observed value has a text in it that is appended, by that text's number; `None` if the
    /// values are too long to say.
    pub(crate) fn appended_until(&self) -> Option<FxHashMap<u32, u32>> {
        let size: usize = (0..self.len()).map(|position| self.text(position).len()).sum();
        if size * self.lengths.len() > LONG {
            return None;
        }
        let mut until: FxHashMap<u32, u32> = self.suffixes.values().map(|number| (*number, 0)).collect();
        for (position, last) in (0..).zip(&self.until) {
            let text = self.text(position);
            for (begin, length) in
                (0..text.len()).flat_map(|begin| self.lengths.iter().map(move |size| (begin, size)))
            {
                let part = text.get(begin..begin + length);
                if let Some(until) = part.and_then(|part| until.get_mut(self.suffixes.get(part)?)) {
                    *until = (*until).max(*last);
                }
            }
        }
        Some(until)
    }

    fn last(&self, from: u32, to: u32) -> u32 {
        self.until[from as usize..to as usize].iter().copied().max().unwrap_or(0)
    }

    /// The part of the sorted positions `from..to`, which agree in their first `length` bytes, that goes on with
    /// `text`.
    fn range(&self, from: u32, to: u32, length: usize, text: &str) -> (u32, u32) {
        let part = &self.observed[from as usize..to as usize];
        let rest = |number: &u32| &self.history.value(*number).as_bytes()[length..];
        let begin = part.partition_point(|number| rest(number) < text.as_bytes());
        let count = part[begin..].partition_point(|number| rest(number).starts_with(text.as_bytes()));
        let position = |offset: usize| from + u32::try_from(offset).expect("numbers of values have 32 bits");
        (position(begin), position(begin + count))
    }

    fn add(&mut self, (from, to): (u32, u32), length: usize) -> Symbol {
        if from == to {
            return NOWHERE;
        }
        if let Some(symbol) = self.known.get(&(length, from)) {
            return *symbol;
        }
        let symbol = u32::try_from(self.beginnings.len()).expect("numbers of values have 32 bits");
        let until = self.last(from, to);
        self.beginnings.push(Beginning { from, to, length, until });
        self.known.insert((length, from), symbol);
        symbol
    }
}
