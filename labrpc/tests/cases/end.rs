//! One type of client end serves both worlds.

use super::echo::*;
use labrpc::{End, Handler, LocalBoxFuture, Packet, Wire, context};
use std::rc::Rc;
use tarpc::client::RpcError;

/// A network without a network: the call goes straight to the handler.
struct Direct(Rc<dyn Handler>);

impl Wire for Direct {
    fn call(&self, request: Packet<Vec<u8>>) -> LocalBoxFuture<'static, Result<Packet<Vec<u8>>, RpcError>> {
        let handler = self.0.clone();
        Box::pin(async move { Ok(handler.handle(request).await?) })
    }
}

/// What a program does with an end. It names no world.
async fn talk(server: &EchoServer, end: EchoEnd) -> Vec<String> {
    let client = client(end.clone());
    let mut seen = vec![client.echo(context(), "hello".to_owned()).await.expect("an echo")];
    seen.push(format!("{:?}", server.incoming.take()));
    let fixed = EchoRequest::ReplyWith { stamp: stamp(SERVER, 2) };
    for request in [EchoRequest::Bytes { count: 3 }, fixed] {
        let (stamp, response) = end.call_stamped(None, request).await.expect("an answer");
        seen.push(format!("{stamp:?} {response:?}"));
    }
    seen.push(format!("{:?}", client.bytes(context(), 2).await));
    seen
}

#[test]
fn the_same_function_gives_the_same_results_over_a_wire_and_over_tcp() {
    local(async {
        let server = EchoServer::default();
        let tcp = server.start(any()).await;
        let over_tcp = end(tcp.local_addr(), patient());
        let wire = Rc::new(Direct(Rc::new(server.served())));
        let over_wire = End::over_wire(CLIENT, Rc::new(|| Some(client_stamp())), wire);
        let seen = talk(&server, over_wire).await;
        assert_eq!(seen[0], "hello");
        assert_eq!(seen, talk(&server, over_tcp).await);
    });
}
