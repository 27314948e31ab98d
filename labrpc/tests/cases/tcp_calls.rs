//! Calls over TCP between peers that behave.

use super::echo::*;
use super::peer::Peer;
use futures::future::join_all;
use labrpc::context;
use labrpc::tcp::{Listener, Options, serve};
use std::io::ErrorKind;
use tarpc::client::RpcError;
use tokio::task::spawn_local;

#[test]
fn stamps_travel_both_ways() {
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let end = end(running.local_addr(), patient());

        let text = client(end.clone()).echo(context(), "hello".to_owned()).await.expect("an echo");
        assert_eq!(text, "hello");
        let incoming = server.incoming.take().expect("the handler runs inside a call");
        assert_eq!((incoming.from, incoming.stamp), (CLIENT, Some(client_stamp())));

        let request = EchoRequest::Echo { text: String::new() };
        let (reply, _) = end.call_stamped(Some(stamp(CLIENT, 1)), request).await.expect("an echo");
        assert_eq!(reply, Some(server_stamp()));
        assert_eq!(server.incoming.take().and_then(|incoming| incoming.stamp), Some(stamp(CLIENT, 1)));

        let fixed = stamp(SERVER, 2);
        let (reply, _) =
            end.call_stamped(None, EchoRequest::ReplyWith { stamp: fixed }).await.expect("a reply");
        assert_eq!(reply, Some(fixed));
    });
}

#[test]
fn many_calls_are_under_way_at_once_on_one_connection() {
    const CALLS: u32 = 300;
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let (address, accepted) = Peer::Relay(running.local_addr()).start().await;
        let client = client(end(address, patient()));

        let calls = join_all((0..CALLS).map(|_| client.wait(context())));
        let all_at_once = async {
            take(&server.begun, CALLS).await;
            server.gate.add_permits(CALLS as usize);
        };
        let (results, ()) = tokio::join!(calls, all_at_once);
        assert!(results.iter().all(|result| matches!(result, Ok(42))));
        assert_eq!(accepted.get(), 1);
    });
}

#[test]
fn answers_find_their_callers() {
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let client = client(end(running.local_addr(), patient()));
        let texts: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        let echoes = join_all(texts.iter().map(|text| client.echo(context(), text.clone()))).await;
        assert_eq!(echoes.into_iter().map(|echo| echo.expect("an echo")).collect::<Vec<_>>(), texts);
    });
}

#[test]
fn a_call_that_waits_for_a_place_ends_within_its_timeout() {
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let client = client(end(running.local_addr(), Options { max_in_flight: 1, ..impatient() }));
        let (first, second) = tokio::join!(client.wait(context()), client.wait(context()));
        assert!(matches!(first, Err(RpcError::DeadlineExceeded)), "{first:?}");
        assert!(matches!(second, Err(RpcError::DeadlineExceeded)), "{second:?}");
        assert_eq!(server.begun.available_permits(), 1);
    });
}

#[test]
fn a_handler_survives_a_dropped_call() {
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let client = client(end(running.local_addr(), patient()));

        let caller = client.clone();
        let call = spawn_local(async move { caller.wait(context()).await });
        take(&server.begun, 1).await;
        call.abort();
        assert!(call.await.expect_err("it was aborted").is_cancelled());
        // The first echo may overtake tarpc's cancellation, the second cannot.
        for _ in 0..2 {
            client.echo(context(), String::new()).await.expect("an echo");
        }
        assert_eq!(server.dropped.get(), 0);
        server.gate.add_permits(1);
        take(&server.finished, 1).await;
    });
}

#[test]
fn a_handler_survives_its_callers_connection() {
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let client = client(end(running.local_addr(), patient()));
        let call = spawn_local(async move { client.wait(context()).await });
        take(&server.begun, 1).await;
        // The last user of the connection.
        call.abort();
        assert!(call.await.expect_err("it was aborted").is_cancelled());
        server.gate.add_permits(1);
        take(&server.finished, 1).await;
    });
}

#[test]
fn a_failing_handler_is_its_callers_error_only() {
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let client = client(end(running.local_addr(), patient()));
        for (unwritten, expected) in
            [(false, "the handler panicked: as planned"), (true, "not implemented: everything")]
        {
            let error = client.fail(context(), unwritten).await.expect_err("it panics");
            let RpcError::Server(error) = error else { panic!("{error:?}") };
            assert!(error.detail.starts_with(expected), "{error}");
        }
        client.echo(context(), String::new()).await.expect("the server lives");
    });
}

#[test]
fn a_message_that_is_too_large_is_its_callers_error_only() {
    local(async {
        let server = EchoServer::default();
        let small = Listener::bind(any()).await.expect("a free port").max_frame_bytes(1000);
        let running = serve(small, server.served());
        let (address, accepted) = Peer::Relay(running.local_addr()).start().await;
        let client = client(end(address, Options { max_frame_bytes: 1000, ..patient() }));

        let calls = async {
            let error = client.echo(context(), "x".repeat(1000)).await.expect_err("too large a request");
            assert!(matches!(error, RpcError::Send(_)), "{error:?}");
            let error = client.bytes(context(), 1000).await.expect_err("too large a response");
            let RpcError::Server(error) = error else { panic!("{error:?}") };
            assert_eq!(error.kind, ErrorKind::InvalidData, "{error}");
            client.bytes(context(), 900).await.expect("large, but not too large");
            server.gate.add_permits(1);
        };
        let (bystander, ()) = tokio::join!(client.wait(context()), calls);
        assert_eq!(bystander.expect("an answer"), 42);
        assert_eq!(accepted.get(), 1);
    });
}
