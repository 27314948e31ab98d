//! The judge before the judge: every rule with traces that it must pass, must fail and must call unknown.

mod builder;
mod builder_kv;
mod builder_log;
mod cases;
mod cli;
mod columns;
mod command;
mod judging;
mod linear;
mod merge;
mod order;
mod rules;
mod schema;
mod stats;
