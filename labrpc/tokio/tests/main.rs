//! Tests of the students' tokio, in a small simulated world and in the real one.

mod cases {
    mod real_world;
    mod select;
    mod sync;
    mod tasks;
    mod time;
    mod world;

    pub(crate) use world::{World, log, ms, run, run_with};
}
