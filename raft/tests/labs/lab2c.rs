//! Lab 2C: persistence.

use crate::check::unmet;
use crate::cluster::Cluster;
use crate::explore::explored;
use crate::harness::{Done, Setup, simulate};
use crate::log::AGREE_MS;
use crate::script::script;
use labrpc::schema::{Durability, Server};
use labrpc_sim::{Link, Stream};
use scenario::{Ending, Run, Scenario};

const ELECTION_MS: u64 = 5_000;

/// The scenarios, from easy to hard.
#[rustfmt::skip]
pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, points, source, rules, sentence, seeded, run| {
        Scenario { name, part: "lab2c", sentence, source, points, rules, seeded, run }
    };
    vec![
        script!("lab2c", "lab2c_01_durable_vote", "durable_vote", 2, "Figure 2", &["D1", "E3"],
            "A vote is on the disk before it is told, and survives a crash."),
        script!("lab2c", "lab2c_02_durable_append", "durable_append", 2, "Figure 2", &["D1", "L2", "L9"],
            "Entries are on the disk before they are acknowledged, and survive a crash."),
        script!("lab2c", "lab2c_03_leaders_disk", "leaders_disk", 2, "thesis §10.2.1", &["D1", "L3"],
            "A leader counts its own entries only when they are on its disk."),
        scenario("lab2c_04_crash_all", 2, "§5.6", &["D1", "L9", "E1"],
            "All servers crash and restart, then leaders and followers one at a time: nothing delivered is lost.", true, crash_all),
        scenario("lab2c_05_rotating", 2, "§5.6", &["D1", "L6", "L9"],
            "Five servers, of which another three are up each time: nothing delivered is lost.", true, rotating),
        scenario("lab2c_06_laggard", 2, "§5.6", &["D1", "L9"],
            "Leader and follower crash while a third lags; the laggard and the follower go on.", true, laggard),
        scenario("lab2c_07_figure8", 2, "Figure 8", &["L3", "L6", "L9"],
            "Leaders crash right after they took a command, a thousand times: nothing delivered changes.", true, figure8),
        scenario("lab2c_08_figure8_unreliable", 2, "Figure 8", &["L3", "L5"],
            "The same with cuts instead of crashes, on a network that loses and reorders.", true, figure8_unreliable),
        scenario("lab2c_09_churn", 2, "§5.6", &["D1", "L9"],
            "Clients propose while servers crash, restart and are cut off: what a client saw delivered is in every log.", true, churn),
        scenario("lab2c_10_churn_unreliable", 2, "§5.6", &["D1", "L9"],
            "The same on a network that loses and reorders.", true, churn_unreliable),
        scenario("lab2c_11_crash_points", 3, "Figure 2", &["L9", "D1"],
            "A short run, crashed after each of its writes and syncs in turn: every time it goes on as if nothing had been.", false, crash_points),
        explored!("lab2c", "lab2c_12_every_vote", "votes", 1, "Figure 2",
            "Two elections and a crash after any write, in every order: no message says what its sender could forget."),
        explored!("lab2c", "lab2c_13_every_write", "disks", 1, "Figure 2",
            "A command and a crash after any write, in every order of messages and syncs: what is committed is on the disks of a majority."),
    ]
}

fn durable(name: &'static str, servers: u8) -> Setup {
    Setup { durability: Durability::Real, ..Setup::new(name, servers) }
}

fn crash_all(seed: u64) -> Run {
    simulate(seed, durable("lab2c_04_crash_all", 3), async |cluster| {
        let all = cluster.all();
        cluster.agree_on("a", 2, &all).await?;
        all.iter().for_each(|server| cluster.crash(*server));
        all.iter().for_each(|server| cluster.start_server(*server));
        cluster.agree_on("b", 2, &all).await?;
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        cluster.crash(leader);
        cluster.agree_on("c", 2, &cluster.others(&[leader])).await?;
        cluster.start_server(leader);
        cluster.agree_on("d", 2, &all).await?;
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        let follower = cluster.others(&[leader])[0];
        cluster.crash(follower);
        cluster.agree_on("e", 2, &cluster.others(&[follower])).await?;
        cluster.start_server(follower);
        cluster.agree_on("f", 2, &all).await?;
        cluster.await_same(&all, 2_000).await
    })
}

fn rotating(seed: u64) -> Run {
    simulate(seed, durable("lab2c_05_rotating", 5), async |cluster| {
        let all = cluster.all();
        for round in 0..5usize {
            cluster.agree(format!("all {round}").as_bytes(), &all).await?;
            let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
            let at = all.iter().position(|server| *server == leader).unwrap_or(0);
            let turn = |n: usize| all[(at + n) % 5];
            cluster.crash(turn(1));
            cluster.crash(turn(2));
            cluster.agree(format!("three {round}").as_bytes(), &[turn(0), turn(3), turn(4)]).await?;
            [turn(0), turn(3), turn(4)].iter().for_each(|server| cluster.crash(*server));
            cluster.start_server(turn(1));
            cluster.start_server(turn(2));
            cluster.sleep_ms(1_000).await;
            cluster.start_server(turn(3));
            cluster.agree(format!("others {round}").as_bytes(), &[turn(1), turn(2), turn(3)]).await?;
            cluster.start_server(turn(4));
            cluster.start_server(turn(0));
        }
        cluster.agree(b"last", &all).await?;
        cluster.await_same(&all, 2_000).await
    })
}

fn laggard(seed: u64) -> Run {
    simulate(seed, durable("lab2c_06_laggard", 3), async |cluster| {
        let all = cluster.all();
        cluster.agree(b"1", &all).await?;
        let (leader, _) = cluster.await_leader(&all, ELECTION_MS).await?;
        let (laggard, other) = (cluster.others(&[leader])[0], cluster.others(&[leader])[1]);
        cluster.isolate(laggard);
        cluster.agree(b"2", &[leader, other]).await?;
        cluster.crash(leader);
        cluster.crash(other);
        cluster.rejoin(laggard);
        cluster.start_server(leader);
        cluster.agree(b"3", &[leader, laggard]).await?;
        cluster.start_server(other);
        cluster.agree(b"4", &all).await?;
        cluster.await_same(&all, 2_000).await
    })
}

/// Proposes to whoever believes to lead; now and then takes that server away, and gives another one back.
fn figure8(seed: u64) -> Run {
    simulate(seed, durable("lab2c_07_figure8", 5), async |cluster| {
        let all = cluster.all();
        let mut chance = cluster.sim.stream("figure 8");
        cluster.agree(b"first", &all).await?;
        for n in 0..1_000u32 {
            let leader = cluster.leader_among(&all);
            if let Some(leader) = leader {
                cluster.propose(leader, format!("c{n}").as_bytes()).await;
            }
            let wait = if chance.chance(100) { chance.draw(0..=300) } else { chance.draw(0..=13) };
            cluster.sleep_ms(wait).await;
            cluster.book.borrow().check()?;
            if let Some(leader) = leader {
                cluster.crash(leader);
            }
            let up = all.iter().filter(|server| cluster.state(**server).is_some()).count();
            if up < 3 {
                let down: Vec<Server> =
                    all.iter().copied().filter(|server| cluster.state(*server).is_none()).collect();
                cluster.start_server(down[chance.draw(0..=down.len() as u64 - 1) as usize]);
            }
        }
        finish(&cluster, &all).await
    })
}

/// Brings everybody back, and checks that they agree.
async fn finish(cluster: &Cluster, all: &[Server]) -> Done {
    for server in all.iter().filter(|server| cluster.state(**server).is_none()) {
        cluster.start_server(*server);
    }
    cluster.sim.links(&Link::reliable());
    cluster.sim.heal_all(all);
    cluster.agree(b"last", all).await?;
    cluster.await_same(all, AGREE_MS).await
}

fn figure8_unreliable(seed: u64) -> Run {
    let link = Link { late_replies: Link::reordering().late_replies, ..Link::unreliable().long_delays() };
    let setup = Setup { link, ..durable("lab2c_08_figure8_unreliable", 5) };
    simulate(seed, setup, async |cluster| {
        let all = cluster.all();
        let mut chance = cluster.sim.stream("figure 8");
        let mut cut: Vec<Server> = Vec::new();
        for n in 0..300u32 {
            for server in &all {
                cluster.propose(*server, format!("c{n} {server}").as_bytes()).await;
            }
            let wait = if chance.chance(100) { chance.draw(0..=300) } else { chance.draw(0..=13) };
            cluster.sleep_ms(wait).await;
            cluster.book.borrow().check()?;
            if let Some(leader) = cluster.leader_among(&all)
                && chance.chance(500)
                && !cut.contains(&leader)
            {
                cluster.isolate(leader);
                cut.push(leader);
            }
            if cut.len() > 2 {
                let back = cut.remove(chance.draw(0..=cut.len() as u64 - 1) as usize);
                cluster.rejoin(back);
                cut.iter().for_each(|server| cluster.isolate(*server));
            }
        }
        finish(&cluster, &all).await
    })
}

fn churn(seed: u64) -> Run {
    simulate(seed, durable("lab2c_09_churn", 5), churning)
}

fn churn_unreliable(seed: u64) -> Run {
    let link = Link { late_replies: Link::reordering().late_replies, ..Link::unreliable().long_delays() };
    simulate(seed, Setup { link, ..durable("lab2c_10_churn_unreliable", 5) }, churning)
}

/// Three clients propose, each to every server in turn, while servers come and go.
async fn churning(cluster: Cluster) -> Done {
    let all = cluster.all();
    let seen = crate::clients::Clients::start(&cluster, 3);
    let mut chance = cluster.sim.stream("churn");
    for _ in 0..20 {
        if chance.chance(200) {
            cluster.isolate(pick(&mut chance, &all));
        }
        if chance.chance(500) {
            let server = pick(&mut chance, &all);
            if cluster.state(server).is_none() {
                cluster.start_server(server);
            }
            cluster.rejoin(server);
        }
        if chance.chance(200) {
            cluster.crash(pick(&mut chance, &all));
        }
        cluster.sleep_ms(420).await;
        cluster.book.borrow().check()?;
    }
    // Whatever chance did: one more crash, so that every run has one.
    let last = pick(&mut chance, &all);
    cluster.crash(last);
    cluster.sleep_ms(100).await;
    seen.stop();
    finish(&cluster, &all).await?;
    let book = cluster.book.borrow();
    match seen.delivered().iter().find(|command| !book.order().contains(command)) {
        None => Ok(()),
        Some(command) => Err(unmet(
            "§5.6",
            format!(
                "A client saw {} delivered, and in the end it is in no log.",
                crate::service::show(command)
            ),
            "What was delivered once is never lost.",
            Vec::new(),
        )),
    }
}

fn pick(chance: &mut Stream, all: &[Server]) -> Server {
    all[chance.draw(0..=all.len() as u64 - 1) as usize]
}

/// All crash points of a short run: the first server's, then the second's, ….
fn crash_points(_: u64) -> Run {
    let mut point = 1;
    loop {
        let mut hit = false;
        for victim in (1..=3).map(Server) {
            let (run, was_hit) = crashed_at(victim, point);
            hit |= was_hit;
            if !matches!(run.ending, Ending::Completed) {
                return run;
            }
        }
        if !hit {
            // The last run of all stands for them: it went through without a crash.
            return crashed_at(Server(1), point.div_ceil(2)).0;
        }
        point += 1;
    }
}

/// The short run, in which `victim` crashes at its `point`-th crash point; and whether it came to that.
fn crashed_at(victim: Server, point: u64) -> (Run, bool) {
    let hit = std::rc::Rc::new(std::cell::Cell::new(false));
    let was_hit = hit.clone();
    let run = simulate(1, durable("lab2c_11_crash_points", 3), async move |cluster: Cluster| {
        let all = cluster.all();
        cluster.sim.crash_at_point(victim.into(), point);
        for n in 1..=4u8 {
            cluster.agree_via(&[b'a' + n], &all, &cluster.others(&[victim])).await?;
        }
        cluster.sleep_ms(100).await;
        // What was not hit by now never will be.
        cluster.sim.crash_at_point(victim.into(), 0);
        for server in &all {
            if cluster.state(*server).is_none() {
                was_hit.set(true);
                cluster.crash(*server);
                cluster.start_server(*server);
            }
        }
        cluster.agree(b"last", &all).await?;
        cluster.await_same(&all, 2_000).await
    });
    (run, hit.get())
}
