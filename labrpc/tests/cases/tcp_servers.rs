//! Servers that are not there, come and go, or do not answer.

use super::echo::*;
use super::peer::Peer;
use labrpc::context;
use labrpc::tcp::Unreachable;
use std::io::ErrorKind;
use std::sync::Arc;
use tarpc::client::RpcError;
use tokio::task::spawn_local;

fn unreachable(error: RpcError) -> Unreachable {
    let RpcError::Send(why) = error else { panic!("{error:?}") };
    *why.downcast().expect("there is no other reason")
}

#[test]
fn a_dead_port_is_a_clear_error_until_a_server_listens() {
    local(async {
        let (_reserved, address) = reserve();
        let client = client(end(address, patient()));
        // The timeouts are longer than the test may take, so the error cannot be theirs.
        let error = unreachable(client.echo(context(), String::new()).await.expect_err("nobody listens"));
        assert_eq!(error.why.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().starts_with(&format!("cannot connect to {address}: ")), "{error}");

        let server = EchoServer::default();
        let _running = server.start(address).await;
        let text = until_ok(async || client.echo(context(), "there".to_owned()).await).await;
        assert_eq!(text, "there");
    });
}

#[test]
fn after_a_failure_calls_fail_at_once_for_a_while() {
    local(async {
        let (_reserved, address) = reserve();
        let client = client(end(address, patient()));
        let mut last = None;
        // Two calls in a row share one attempt as soon as the pause is longer than this machine is slow.
        loop {
            let error = unreachable(client.echo(context(), String::new()).await.expect_err("nobody listens"));
            if last.is_some_and(|last| Arc::ptr_eq(&last, &error.why)) {
                break;
            }
            last = Some(error.why);
            // A loop that is always ready would hide the test's own timeout.
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_name_that_does_not_resolve_is_an_error() {
    local(async {
        let connection = labrpc::tcp::Connection::new("no port here", patient());
        let end = EchoEnd::over_tcp(CLIENT, std::rc::Rc::new(|| None), connection);
        let error = client(end).echo(context(), String::new()).await.expect_err("no such name");
        assert_eq!(unreachable(error).address, "no port here");
    });
}

#[test]
fn a_restarted_server_is_found_again() {
    local(async {
        let (_reserved, address) = reserve();
        let client = client(end(address, patient()));
        for _ in 0..3 {
            let server = EchoServer::default();
            let running = server.start(address).await;
            until_ok(async || client.echo(context(), String::new()).await).await;

            let caller = client.clone();
            let waiting = spawn_local(async move { caller.wait(context()).await });
            take(&server.begun, 1).await;
            running.stop().await;
            assert_eq!(server.dropped.get(), 1, "a stopped server drops its handlers");
            let error = waiting.await.expect("no panic").expect_err("the server stopped");
            assert!(matches!(error, RpcError::Shutdown | RpcError::Channel(_)), "{error:?}");
        }
    });
}

#[test]
fn dropping_a_server_stops_it() {
    local(async {
        let (_reserved, address) = reserve();
        let server = EchoServer::default();
        let running = server.start(address).await;
        let client = client(end(address, patient()));
        let dropping = async {
            take(&server.begun, 1).await;
            drop(running);
        };
        let (result, ()) = tokio::join!(client.wait(context()), dropping);
        result.expect_err("the connection is closed");
        let refused = async || match client.echo(context(), String::new()).await {
            Err(RpcError::Send(_)) => Ok(()),
            other => panic!("{other:?}"),
        };
        until_ok(refused).await;
    });
}

#[test]
fn a_mute_server_costs_one_timeout_and_the_next_call_tries_a_new_connection() {
    local(async {
        let (address, accepted) = Peer::Mute.start().await;
        let client = client(end(address, impatient()));
        for connections in 1..=2 {
            let (first, second) = tokio::join!(client.wait(context()), client.wait(context()));
            assert!(matches!(first, Err(RpcError::DeadlineExceeded)), "{first:?}");
            assert!(matches!(second, Err(RpcError::DeadlineExceeded)), "{second:?}");
            assert_eq!(accepted.get(), connections);
        }
    });
}

#[test]
fn a_slow_handler_does_not_cost_the_connection() {
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let (address, accepted) = Peer::Relay(running.local_addr()).start().await;
        let client = client(end(address, impatient()));
        // This one could time out on a slow machine, and then has its reason.
        until_ok(async || client.echo(context(), String::new()).await).await;
        let before = accepted.get();
        let answered = async {
            take(&server.begun, 1).await;
            client.echo(context(), String::new()).await.is_ok()
        };
        let (slow, answered) = tokio::join!(client.wait(context()), answered);
        assert!(matches!(slow, Err(RpcError::DeadlineExceeded)), "{slow:?}");
        until_ok(async || client.echo(context(), String::new()).await).await;
        assert!(!answered || accepted.get() == before);
    });
}

#[test]
fn a_server_that_hangs_up_is_paced_like_a_dead_one() {
    local(async {
        let (address, _) = Peer::HangUp.start().await;
        let client = client(end(address, patient()));
        loop {
            match client.echo(context(), String::new()).await.expect_err("nobody answers") {
                // As above, the test's own timeout needs its turn.
                RpcError::Shutdown | RpcError::Channel(_) => tokio::task::yield_now().await,
                error => {
                    assert_eq!(unreachable(error).why.kind(), ErrorKind::ConnectionAborted);
                    break;
                }
            }
        }
    });
}
