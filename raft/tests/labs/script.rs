//! Golden scripts: a case told message by message, in text.
//!
//! A script moves cores by hand: no clock, no chance, no network but what it says. Its `expect` lines and
//! the rules judge a student; the transcript of all events is compared for the reference alone.
//!
//! ```text
//! servers s1 s2 s3                        everybody, first line
//! real s1                                 who runs the code under test; the rest are played by the script
//! disk s1 term=3 vote=s2 log=1,1,2        what a real server's disk holds (log: the entries' terms)
//! timeout s1 [election|heartbeat|quorum]  fire a timer that is set
//! deliver s1->s2 [vote|prevote|append]    deliver the oldest message under way there
//! repeat s1->s2 …                         deliver a copy of it, and leave it under way
//! drop s1->s2 …                           lose it
//! settle                                  deliver everything between real servers until nothing is under way
//! ask s4->s1 vote term=5 log=2:1          a played server asks (last entry: index 2, term 1); delivered at once
//! answer s4->s1 vote granted [term=5]     a played server answers the oldest request it was sent; under way
//! expect s1 role=leader term=2 vote=s1 leader=s1 timer=election   -- why, with its section
//! expect s1->s4 granted                   the newest answer under way there -- why
//! ```

mod parse;
mod world;

pub(crate) use world::play;
