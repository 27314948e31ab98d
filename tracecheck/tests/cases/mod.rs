//! The traces of each rule, and what it must say about them.
//!
//! The first failing trace of a rule is also its example in the catalogue.

mod answers;
mod appends;
mod clients;
mod commits;
mod durability;
mod execution;
mod grants;
mod handling;
mod identity;
mod linearity;
mod logs;
mod restarts;
mod servers;
mod shape;
mod snapshots;
mod system;
mod terms;
mod votes;
mod wins;

use crate::builder::Script;

/// What a rule must say.
#[derive(Clone, Debug)]
pub(crate) enum Expect {
    Pass(u64),
    Vacuous,
    /// The sentence, and the witnesses as `s1#2 note`.
    Fail(&'static str, &'static [&'static str]),
    /// A part of the sentence.
    Unknown(&'static str),
}

/// One trace and one rule.
pub(crate) struct Case {
    pub(crate) rule: &'static str,
    pub(crate) name: &'static str,
    pub(crate) expect: Expect,
    pub(crate) script: Script,
}

/// The cases of one rule.
pub(crate) struct Cases {
    rule: &'static str,
    all: Vec<Case>,
}

impl Cases {
    pub(crate) fn of(rule: &'static str) -> Cases {
        Cases { rule, all: vec![] }
    }

    fn add(mut self, name: &'static str, expect: Expect, script: Script) -> Cases {
        self.all.push(Case { rule: self.rule, name, expect, script });
        self
    }

    pub(crate) fn pass(self, name: &'static str, met: u64, script: Script) -> Cases {
        self.add(name, Expect::Pass(met), script)
    }

    pub(crate) fn vacuous(self, name: &'static str, script: Script) -> Cases {
        self.add(name, Expect::Vacuous, script)
    }

    pub(crate) fn fail(
        self,
        name: &'static str,
        sentence: &'static str,
        witnesses: &'static [&'static str],
        script: Script,
    ) -> Cases {
        self.add(name, Expect::Fail(sentence, witnesses), script)
    }

    pub(crate) fn unknown(self, name: &'static str, part: &'static str, script: Script) -> Cases {
        self.add(name, Expect::Unknown(part), script)
    }
}

/// Every case of every rule.
pub(crate) fn all() -> Vec<Case> {
    let groups = [
        shape::cases(),
        servers::cases(),
        terms::cases(),
        votes::cases(),
        wins::cases(),
        grants::cases(),
        durability::cases(),
        appends::cases(),
        commits::cases(),
        logs::cases(),
        restarts::cases(),
        snapshots::cases(),
        system::cases(),
        clients::cases(),
        handling::cases(),
        answers::cases(),
        execution::cases(),
        linearity::cases(),
        identity::cases(),
    ];
    groups.into_iter().flatten().flat_map(|cases| cases.all).collect()
}
