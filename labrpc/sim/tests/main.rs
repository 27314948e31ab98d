//! Tests of the simulated world, on a service that knows nothing of Raft.

mod cases {
    mod disks;
    mod echo;
    mod endings;
    mod links;
    mod nodes;
    mod plans;
    mod seeds;

    pub(crate) use echo::{call, echo_world, run, s};
}
