//! What scenarios do with a log: propose, and wait until it is delivered.

use crate::check::{list, unmet};
use crate::cluster::Cluster;
use crate::service::show;
use labrpc::schema::{Index, Role, Server, Term};
use scenario::Expectation;

/// How often a scenario looks, in virtual milliseconds.
const LOOK_MS: u64 = 5;
/// Virtual milliseconds within which a command must be delivered, whatever happened before.
pub(crate) const AGREE_MS: u64 = 10_000;
/// Virtual milliseconds after which a command that was not delivered is proposed again.
const AGAIN_MS: u64 = 2_000;

impl Cluster {
    /// Proposes to that server; its place if the server takes itself for the leader.
    pub(crate) async fn propose(&self, server: Server, command: &[u8]) -> Option<(Index, Term)> {
        let raft = self.raft(server)?;
        self.book.borrow_mut().proposed(command);
        raft.propose(command.to_vec()).await.ok()
    }

    /// Who of these believes to lead, the one with the highest term first.
    pub(crate) fn leader_among(&self, among: &[Server]) -> Option<Server> {
        let leads = |server: &Server| {
            let state = self.state(*server).filter(|state| state.role == Role::Leader)?;
            Some((state.term, *server))
        };
        among.iter().filter_map(leads).max().map(|(_, server)| server)
    }

    /// Proposes a command to whoever leads these servers, again if need be, until all of them were delivered it.
    pub(crate) async fn agree(&self, command: &[u8], among: &[Server]) -> Result<(), Expectation> {
        self.agree_via(command, among, among).await
    }

    /// The same, where the leader can be any of `via`.
    pub(crate) async fn agree_via(
        &self,
        command: &[u8],
        via: &[Server],
        among: &[Server],
    ) -> Result<(), Expectation> {
        let mut waited = 0;
        while waited < AGREE_MS {
            let proposed = match self.leader_among(via) {
                Some(leader) => self.propose(leader, command).await.is_some(),
                None => false,
            };
            let until = waited + if proposed { AGAIN_MS } else { LOOK_MS };
            while waited < until {
                self.book.borrow().check()?;
                if self.book.borrow().count(command, among) == among.len() {
                    return Ok(());
                }
                self.sleep_ms(LOOK_MS).await;
                waited += LOOK_MS;
            }
        }
        let has = |server: &&Server| self.book.borrow().count(command, &[**server]) == 0;
        let lacking: Vec<Server> = among.iter().filter(has).copied().collect();
        Err(unmet(
            "§5.3",
            format!(
                "{} was proposed to whoever led, and after {} s {} had not been delivered it.",
                show(command),
                AGREE_MS / 1000,
                list(&lacking)
            ),
            format!(
                "{} can reach each other and are a quorum: a command should reach them all.",
                list(among)
            ),
            self.last_of(&lacking),
        ))
    }

    /// Agrees on `count` commands, one after the other, named after `name`.
    pub(crate) async fn agree_on(&self, name: &str, count: u64, among: &[Server]) -> Result<(), Expectation> {
        for n in 1..=count {
            self.agree(format!("{name}{n}").as_bytes(), among).await?;
        }
        Ok(())
    }

    /// Proposes `count` commands to a server that nobody can follow, and checks that none is ever delivered.
    pub(crate) async fn orphan(&self, leader: Server, name: &str, count: u64) -> Result<(), Expectation> {
        for n in 1..=count {
            self.propose(leader, format!("{name}{n}").as_bytes()).await;
        }
        Ok(())
    }

    /// Checks that no command whose name begins so was delivered anywhere.
    pub(crate) fn never_delivered(&self, name: &str, why: &str) -> Result<(), Expectation> {
        let book = self.book.borrow();
        book.check()?;
        match book.order().iter().find(|command| command.starts_with(name.as_bytes())) {
            None => Ok(()),
            Some(command) => Err(unmet(
                "§5.3",
                format!("{} was delivered, although {why}.", show(command)),
                "A command is delivered only once a quorum has it.",
                self.last_of(&self.real()),
            )),
        }
    }

    /// Waits until all of these were delivered the same number of commands, and checks them.
    pub(crate) async fn await_same(&self, among: &[Server], within_ms: u64) -> Result<(), Expectation> {
        let lengths = || -> Vec<usize> {
            among.iter().map(|server| self.book.borrow().history(*server).len()).collect()
        };
        for _ in 0..within_ms / LOOK_MS {
            self.book.borrow().check()?;
            let lengths = lengths();
            if lengths.iter().all(|length| *length == self.book.borrow().order().len()) {
                return Ok(());
            }
            self.sleep_ms(LOOK_MS).await;
        }
        let most = self.book.borrow().order().len();
        let behind: Vec<Server> = among
            .iter()
            .zip(lengths())
            .filter(|(_, length)| *length < most)
            .map(|(server, _)| *server)
            .collect();
        Err(unmet(
            "§5.3",
            format!(
                "{} s after the last fault {} had not been delivered all {most} commands.",
                within_ms / 1000,
                list(&behind)
            ),
            "Followers that can be reached should be brought up to date.",
            self.last_of(&behind),
        ))
    }
}
