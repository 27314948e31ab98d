//! Peers that break the protocol hurt nobody but themselves.

use super::echo::*;
use labrpc::{Packet, context, encode};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

/// A frame: its length, and its content.
fn frame(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a small frame");
    [&length.to_be_bytes(), content].concat()
}

fn call(id: u64, body: EchoRequest) -> Vec<u8> {
    frame(&encode(&(0_u8, id, Packet { from: CLIENT, stamp: None, body })))
}

/// Sends the bytes and reads until the server closes the connection.
async fn send_until_closed(server: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(server).await.expect("the server listens");
    let mut answer = Vec::new();
    // Closing early may reset the connection, on either way: that is what is asked for.
    let _ = socket.write_all(bytes).await;
    let _ = socket.read_to_end(&mut answer).await;
    answer
}

#[test]
fn a_broken_protocol_closes_the_connection_and_no_other() {
    let whole = call(1, EchoRequest::Echo { text: "hello".to_owned() });
    let cases: [(&str, Vec<u8>); 8] = [
        ("text", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("the largest length", vec![0xff; 4]),
        ("one byte more than allowed", ((16_u32 << 20) + 1).to_be_bytes().to_vec()),
        ("noise in a frame", frame(&[0xff; 64])),
        ("an empty frame", frame(&[])),
        ("a message that ends early", frame(&whole[4..whole.len() - 1])),
        ("a message with a tail", frame(&[&whole[4..], b"x"].concat())),
        ("a cancellation of nothing, then noise", [frame(&[1, 9]), frame(&[2])].concat()),
    ];
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let client = client(end(running.local_addr(), patient()));
        let others = async {
            take(&server.begun, 1).await;
            for (name, bytes) in &cases {
                let answer = send_until_closed(running.local_addr(), bytes).await;
                assert!(answer.is_empty(), "{name}");
                client.echo(context(), String::new()).await.expect(name);
            }
            server.gate.add_permits(1);
        };
        let (bystander, ()) = tokio::join!(client.wait(context()), others);
        assert_eq!(bystander.expect("the connection lives"), 42);
    });
}

#[test]
fn a_peer_that_closes_in_mid_frame_is_forgotten() {
    let whole = call(1, EchoRequest::Echo { text: "hello".to_owned() });
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let client = client(end(running.local_addr(), patient()));
        for length in [0, 1, 4, 5, whole.len() - 1] {
            let mut socket = TcpStream::connect(running.local_addr()).await.expect("the server listens");
            socket.write_all(&whole[..length]).await.expect("the socket is open");
            socket.shutdown().await.expect("the socket is open");
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer).await;
            assert!(answer.is_empty());
            client.echo(context(), String::new()).await.expect("the server lives");
        }
        assert!(server.incoming.take().is_some_and(|incoming| incoming.stamp.is_some()));
    });
}

#[test]
fn a_caller_that_gives_up_closes_its_socket_without_sending_the_rest() {
    // More than the system's buffers take.
    const LARGE: usize = 15 << 20;
    local(async {
        let listener = TcpListener::bind(any()).await.expect("a free port");
        let client = client(end(listener.local_addr().expect("it listens"), patient()));
        let call = spawn_local(async move { client.echo(context(), "x".repeat(LARGE)).await });
        let (mut socket, _) = listener.accept().await.expect("the call connects");
        socket.read_u32().await.expect("the call has begun to send");
        call.abort();
        assert!(call.await.expect_err("it was aborted").is_cancelled());
        let mut rest = Vec::new();
        // A reset is as good as an end.
        let _ = socket.read_to_end(&mut rest).await;
        assert!(rest.len() < LARGE);
    });
}

#[test]
fn a_connection_is_not_kept_for_a_caller_that_is_gone() {
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let mut socket = TcpStream::connect(running.local_addr()).await.expect("the server listens");
        socket.write_all(&call(1, EchoRequest::Wait {})).await.expect("the socket is open");
        take(&server.begun, 1).await;
        socket.shutdown().await.expect("the socket is open");
        // The handler waits still, so this could not end if the socket waited for it.
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
        server.gate.add_permits(1);
        take(&server.finished, 1).await;
    });
}

#[test]
fn a_raw_call_is_answered_so_the_cases_above_are_near_misses() {
    local(async {
        let server = EchoServer::default();
        let running = server.start(any()).await;
        let mut socket = TcpStream::connect(running.local_addr()).await.expect("the server listens");
        let request = call(1, EchoRequest::Echo { text: "hello".to_owned() });
        socket.write_all(&request).await.expect("the socket is open");
        let body = EchoResponse::Echo("hello".to_owned());
        let response = Packet { from: SERVER, stamp: Some(server_stamp()), body };
        // An answer, the call's number, the packet.
        let expected = frame(&encode(&(0_u8, 1_u8, response)));
        let mut answer = vec![0; expected.len()];
        socket.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(answer, expected);
    });
}
