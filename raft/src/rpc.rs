//! The calls between servers, as a tarpc service, and their translation to and from the core's messages.

use crate::core::{AppendArgs, AppendReply, InstallArgs, InstallReply, Rep, Req, VoteArgs, VoteReply};
use crate::node::Raft;
use labrpc::schema::{Kind, Term};
use labrpc::{End, decode};
use tarpc::context::Context;

/// What Raft servers ask each other (Figure 2).
#[tarpc::service]
pub trait RaftRpc {
    /// Would you vote for me in the next term? (thesis §9.6)
    async fn pre_vote(args: VoteArgs) -> VoteReply;
    /// Invoked by candidates to gather votes (§5.2).
    async fn request_vote(args: VoteArgs) -> VoteReply;
    /// Invoked by leaders to replicate entries (§5.3); also the heartbeat (§5.2).
    async fn append_entries(args: AppendArgs) -> AppendReply;
    /// Invoked by leaders to send chunks of a snapshot to a server that is too far behind (§7).
    async fn install_snapshot(args: InstallArgs) -> InstallReply;
}

/// The client's end of a connection to a Raft server, in either world.
pub type RaftEnd = End<RaftRpcRequest, RaftRpcResponse>;

/// Serves a server's [`RaftRpc`]: each call becomes an input of its driver, and waits for the reply.
#[derive(Clone)]
pub struct RaftService(pub(crate) Raft);

impl RaftRpc for RaftService {
    async fn pre_vote(self, _: Context, args: VoteArgs) -> VoteReply {
        match self.0.ask(Req::PreVote(args)).await {
            Rep::PreVote(rep) => rep,
            other => unreachable!("a pre-vote was answered with {other:?}"),
        }
    }

    async fn request_vote(self, _: Context, args: VoteArgs) -> VoteReply {
        match self.0.ask(Req::Vote(args)).await {
            Rep::Vote(rep) => rep,
            other => unreachable!("a request for a vote was answered with {other:?}"),
        }
    }

    async fn append_entries(self, _: Context, args: AppendArgs) -> AppendReply {
        match self.0.ask(Req::Append(args)).await {
            Rep::Append(rep) => rep,
            other => unreachable!("AppendEntries was answered with {other:?}"),
        }
    }

    async fn install_snapshot(self, _: Context, args: InstallArgs) -> InstallReply {
        match self.0.ask(Req::Install(args)).await {
            Rep::Install(rep) => rep,
            other => unreachable!("InstallSnapshot was answered with {other:?}"),
        }
    }
}

impl Req {
    /// What a trace calls it.
    pub fn kind(&self) -> Kind {
        match self {
            Req::PreVote(_) => Kind::PreVoteRequest,
            Req::Vote(_) => Kind::VoteRequest,
            Req::Append(_) => Kind::AppendRequest,
            Req::Install(_) => Kind::InstallRequest,
        }
    }

    /// Its term; of a pre-vote, the term that the candidate would have.
    pub fn term(&self) -> Term {
        match self {
            Req::PreVote(args) | Req::Vote(args) => args.term,
            Req::Append(args) => args.term,
            Req::Install(args) => args.term,
        }
    }

    pub(crate) fn into_rpc(self) -> RaftRpcRequest {
        match self {
            Req::PreVote(args) => RaftRpcRequest::PreVote { args },
            Req::Vote(args) => RaftRpcRequest::RequestVote { args },
            Req::Append(args) => RaftRpcRequest::AppendEntries { args },
            Req::Install(args) => RaftRpcRequest::InstallSnapshot { args },
        }
    }
}

impl Rep {
    /// What a trace calls it.
    pub fn kind(&self) -> Kind {
        match self {
            Rep::PreVote(_) => Kind::PreVoteReply,
            Rep::Vote(_) => Kind::VoteReply,
            Rep::Append(_) => Kind::AppendReply,
            Rep::Install(_) => Kind::InstallReply,
        }
    }

    /// The answering server's term.
    pub fn term(&self) -> Term {
        match self {
            Rep::PreVote(rep) | Rep::Vote(rep) => rep.term,
            Rep::Append(rep) => rep.term,
            Rep::Install(rep) => rep.term,
        }
    }

    pub(crate) fn from_rpc(response: RaftRpcResponse) -> Rep {
        match response {
            RaftRpcResponse::PreVote(rep) => Rep::PreVote(rep),
            RaftRpcResponse::RequestVote(rep) => Rep::Vote(rep),
            RaftRpcResponse::AppendEntries(rep) => Rep::Append(rep),
            RaftRpcResponse::InstallSnapshot(rep) => Rep::Install(rep),
        }
    }
}

/// Tells what kind of message some bytes on a network are: the simulation's traces name lost ones so.
pub fn describe(bytes: &[u8], reply: bool) -> Option<Kind> {
    if reply {
        decode::<RaftRpcResponse>(bytes).ok().map(|response| Rep::from_rpc(response).kind())
    } else {
        decode::<RaftRpcRequest>(bytes).ok().map(|request| match request {
            RaftRpcRequest::PreVote { .. } => Kind::PreVoteRequest,
            RaftRpcRequest::RequestVote { .. } => Kind::VoteRequest,
            RaftRpcRequest::AppendEntries { .. } => Kind::AppendRequest,
            RaftRpcRequest::InstallSnapshot { .. } => Kind::InstallRequest,
        })
    }
}
