//! The signaling connection itself: forms, limits, ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

mod common;

use std::net::SocketAddr;

use common::{ask, config, get, start, token};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TcpStream>;

async fn connect(to: SocketAddr, query: &str) -> Result<Socket, Error> {
    let stream = TcpStream::connect(to).await.unwrap();
    let url = format!("ws://{to}/rtc?protocol=16&sdk=js&{query}");
    client_async(url, stream).await.map(|(socket, _)| socket)
}

/// Joined, with the first message read.
async fn join(to: SocketAddr, identity: &str) -> Socket {
    let query = format!("access_token={}", token(identity, "daily"));
    let mut socket = connect(to, &query).await.unwrap();
    let first = socket.next().await.unwrap().unwrap();
    assert!(matches!(first, Message::Binary(_)), "{first:?}");
    socket
}

/// The code that the server closes with; the close is answered as it should be.
async fn close_code(socket: &mut Socket) -> Option<CloseCode> {
    let mut code = None;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(frame) = message {
            code = frame.map(|frame| frame.code);
        }
    }
    code
}

#[tokio::test]
async fn answers_take_the_form_of_the_last_question() {
    let (server, to) = start(config()).await;
    let mut socket = join(to, "anna").await;
    socket
        .send(Message::text(r#"{"ping": "5"}"#))
        .await
        .unwrap();
    let pong = loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            let message: Value = serde_json::from_str(&text).unwrap();
            if message.get("pong").is_some() {
                break message;
            }
        }
    };
    assert!(
        pong["pong"].is_string(),
        "64-bit numbers are strings in protobuf's JSON"
    );
    // SignalRequest.ping (field 14) with a varint.
    socket
        .send(Message::binary(vec![14 << 3, 5]))
        .await
        .unwrap();
    while !matches!(socket.next().await.unwrap().unwrap(), Message::Binary(_)) {}
    drop(socket);
    server.shutdown().await;
}

#[tokio::test]
async fn what_no_client_sends_ends_the_connection_with_its_code() {
    let (server, to) = start(config()).await;
    for (message, code) in [
        (Message::binary(vec![0xff; 40]), CloseCode::Invalid),
        (Message::text("{"), CloseCode::Invalid),
        (Message::binary(vec![0; (2 << 20) + 1]), CloseCode::Size),
        (Message::text(" ".repeat((2 << 20) + 1)), CloseCode::Size),
    ] {
        let mut socket = join(to, "anna").await;
        // The server may close before it has read everything.
        let _ = socket.send(message).await;
        assert_eq!(close_code(&mut socket).await, Some(code));
    }
    server.shutdown().await;
}

#[tokio::test]
async fn leaving_closes_the_connection_and_the_room_is_empty() {
    let (server, to) = start(config()).await;
    let mut socket = join(to, "anna").await;
    let inside = get(to, "/api/rooms/daily").await;
    assert_eq!(
        inside.body,
        r#"{"exists":true,"participants":["anna"],"full":false}"#
    );
    socket
        .send(Message::text(r#"{"leave": {}}"#))
        .await
        .unwrap();
    assert_eq!(close_code(&mut socket).await, Some(CloseCode::Normal));
    let inside = get(to, "/api/rooms/daily").await;
    assert_eq!(
        inside.body,
        r#"{"exists":false,"participants":[],"full":false}"#
    );
    server.shutdown().await;
}

#[tokio::test]
async fn whoever_is_refused_learns_it_before_the_upgrade() {
    let mut config = config();
    config.room.max_participants = 1;
    let (server, to) = start(config).await;
    let Err(Error::Http(refused)) = connect(to, "access_token=a.b.c").await else {
        panic!("a bad token must not be upgraded");
    };
    assert_eq!(refused.status(), 401);
    let anna = join(to, "anna").await;
    let query = format!("access_token={}", token("ben", "daily"));
    let Err(Error::Http(full)) = connect(to, &query).await else {
        panic!("a full room must not be entered");
    };
    assert_eq!(full.status(), 403);
    let json = ["content-type: application/json"];
    let page = ask(
        to,
        "POST /api/rooms/daily/join",
        &json,
        r#"{"name": "Ben"}"#,
    )
    .await;
    assert_eq!(page.status, 409);
    assert!(page.body.contains(r#""code":"full""#), "{}", page.body);
    let inside = get(to, "/api/rooms/daily").await;
    assert_eq!(
        inside.body,
        r#"{"exists":true,"participants":["anna"],"full":true}"#
    );
    drop(anna);
    server.shutdown().await;
}

#[tokio::test]
async fn stopping_takes_leave_of_everybody() {
    let (server, to) = start(config()).await;
    let mut socket = join(to, "anna").await;
    let stopping = tokio::spawn(server.shutdown());
    assert_eq!(close_code(&mut socket).await, Some(CloseCode::Normal));
    stopping.await.unwrap();
    assert!(
        TcpStream::connect(to).await.is_err(),
        "nobody listens any more"
    );
}
