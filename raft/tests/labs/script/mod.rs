//! Golden scripts: a case told message by message, in text.
//!
//! A script moves cores by hand: no clock, no chance, no network but what it says. Its `expect` lines and
//! the rules judge a student; the transcript of all events is compared for the reference alone.
//!
//! ```text
//! servers s1 s2 s3                        everybody, first line
//! real s1                                 who runs the code under test; the rest are played by the script
//! disk s1 term=3 vote=s2 log=1,1,2        what a real server's disk holds (log: the entries' terms)
//! disk s1 term=1 log=1,1 snapshot=1       … of which a snapshot covers everything up to index 1
//! replicate                               there is a log (without: lab 2A)
//! durable                                 durability is real: writes wait for `sync` (without: assumed)
//! max_entries 1                           the most entries in an AppendEntries
//! max_chunk 512                           the most bytes of a snapshot in an InstallSnapshot
//! invariants                              the properties of Figure 3 are checked after every step
//! committed 2                             … knowing that everything up to index 2 was committed before
//! timeout s1 [election|heartbeat|quorum]  fire a timer that is set
//! deliver s1->s2 [vote|prevote|append]    deliver the oldest message under way there; `append` is any AppendEntries,
//! deliver s1->s2 heartbeat|entries|install    `heartbeat` one that speaks of no entry, `entries` any other
//! deliver s1->s2 vote 2                   … the second oldest of those that match
//! deliver s1->s2 append all               … everything that is under way there by now, if anything is
//! repeat s1->s2 …                         deliver a copy of it, and leave it under way
//! drop s1->s2 …                           lose it; `drop s1->s2 all` loses everything under way there
//! fail s1->s2 …                           the caller gives up the call that it belongs to; it stays under way, late
//! settle                                  deliver everything between real servers until nothing is under way
//! exchange s1 s2                          … between these two, but what was given up, from the oldest on
//! exchange s1 s2 until s2 log=1           … until s2 is as an `expect` line could say       -- why
//! ask s4->s1 vote term=5 log=2:1          a played server asks (last entry: index 2, term 1); delivered at once
//! ask s4->s1 append term=2 prev=1:1 entries=2,2 commit=1     entries are named by their terms
//! ask s4->s1 install term=2 log=5:2 data=abc offset=0 done   a chunk of a snapshot up to index 5
//! propose s1 x                            a service proposes command x
//! snapshot s1 3 abc                       a service hands over its state as of index 3
//! sync s1 / crash s1 / restart s1         the disk has everything; a crash keeps a prefix of the rest
//! sync s1 writes=1 / crash s1 keep=2      … has so many of the writes; a crash keeps exactly so many of the rest
//! answer s4->s1 vote granted [term=5]     a played server answers the oldest request it was sent; under way
//! expect s1 role=leader term=2 vote=s1 leader=s1 timer=election   -- why, with its section
//! expect s1 armed=election                its last step set that timer             -- why
//! expect request s1->s4 vote log=3:2      the newest request there is of a candidate whose log ends so -- why
//! expect s1->s4 granted [term=5]          the newest answer under way there -- why
//! expect s1 log=1,1,2 commit=2 snapshot=0  the entries' terms after the snapshot   -- why
//! expect nothing s1->s2 vote              no such message is under way            -- why
//! ```

mod expect;
mod parse;
mod played;
mod traffic;
mod words;
mod world;

pub(crate) use parse::Script;
pub(crate) use world::{play, run};

/// A scenario that is a script: its part, name, file, points, source, rules and sentence.
macro_rules! script {
    ($part:literal, $name:literal, $file:literal, $points:literal, $source:literal, $rules:expr, $sentence:literal) => {
        scenario::Scenario {
            name: $name,
            part: $part,
            sentence: $sentence,
            source: $source,
            points: $points,
            rules: $rules,
            seeded: false,
            run: |_| {
                $crate::script::play($name, $source, include_str!(concat!("scripts/", $file, ".script")))
            },
        }
    };
}
pub(crate) use script;
