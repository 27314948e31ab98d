//! What no core may ask for, whatever its algorithm: mistakes that would hang, flood or confuse the kit
//! instead of breaking a rule. Each is one sentence for the student.

use crate::core::{Call, Effect, Rep, Req};
use labrpc::schema::Server;

/// More messages and writes than this in one step are a runaway loop. Deliveries do not count: a server that
/// comes back may deliver its whole log at once.
const MOST_EFFECTS: usize = 10_000;

/// Whether what one step of `me` wants can be done: `peers` says who can be sent to, `asked` which request a
/// call is about that waits for its reply.
///
/// # Errors
/// The first thing that cannot, as the end of a sentence: "the core of s1 made no sense: …".
pub fn check<'a>(
    me: Server,
    effects: &[Effect],
    peers: impl Fn(Server) -> bool,
    asked: impl Fn(Call) -> Option<&'a Req>,
) -> Result<(), String> {
    let deliveries = effects.iter().filter(|effect| matches!(effect, Effect::Apply { .. })).count();
    if effects.len() - deliveries > MOST_EFFECTS {
        return Err(format!("one step of it wants {} things done", effects.len() - deliveries));
    }
    let mut answered = Vec::new();
    for effect in effects {
        match effect {
            Effect::SetTimer(timer, range) if range.is_empty() => {
                return Err(format!("its {timer:?} timer is to be drawn from the empty range {range:?} ms"));
            }
            Effect::SetTimer(timer, range) if *range.start() == 0 => {
                return Err(format!(
                    "its {timer:?} timer may fire after 0 ms, so that no time would ever pass"
                ));
            }
            Effect::Send { to, req, .. } if *to == me => {
                return Err(format!("it sends a {} to itself", req.kind()));
            }
            Effect::Send { to, req, .. } if !peers(*to) => {
                return Err(format!("it sends a {} to {to}, which is no peer", req.kind()));
            }
            Effect::Reply { call, rep } => {
                let Some(req) = asked(*call).filter(|_| !answered.contains(call)) else {
                    return Err(format!("it sends a {} that nobody waits for", rep.kind()));
                };
                if !answers(req, rep) {
                    return Err(format!("it answers a {} with a {}", req.kind(), rep.kind()));
                }
                answered.push(*call);
            }
            _ => {}
        }
    }
    Ok(())
}

fn answers(req: &Req, rep: &Rep) -> bool {
    matches!(
        (req, rep),
        (Req::PreVote(_), Rep::PreVote(_))
            | (Req::Vote(_), Rep::Vote(_))
            | (Req::Append(_), Rep::Append(_))
            | (Req::Install(_), Rep::Install(_))
    )
}
