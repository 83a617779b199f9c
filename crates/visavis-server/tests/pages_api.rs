//! What our own pages ask.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

mod common;

use std::net::SocketAddr;

use common::{Answer, KEY, SECRET, ask, config, get, now, start};
use serde_json::Value;
use visavis_signal::token::verify;

const JSON: &str = "content-type: application/json";

async fn join(to: SocketAddr, room: &str, body: &str) -> Answer {
    ask(to, &format!("POST /api/rooms/{room}/join"), &[JSON], body).await
}

fn read(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
}

#[tokio::test]
async fn a_name_gets_a_token_for_that_room_and_no_other() {
    let (server, to) = start(config()).await;
    let answer = join(to, "K%C3%BCche", r#"{"name": "  Anna "}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let given = read(&answer);
    let token = given["token"].as_str().unwrap();
    let claims = verify(token, |key| (key == KEY).then_some(SECRET), now()).unwrap();
    assert_eq!(claims.name, "Anna");
    assert_eq!(given["identity"], *claims.identity);
    assert_eq!(given["room"], "Küche");
    assert!(claims.identity.starts_with("web-"));
    let grants = &claims.grants;
    assert!(grants.may_join("Küche") && !grants.may_join("Bad"));
    assert!(grants.may_publish() && grants.may_subscribe() && grants.may_publish_data());
    assert!(grants.may_update_own_metadata());
    assert!(!grants.room_admin && !grants.room_create && !grants.room_list && !grants.room_record);
    let validate = get(to, &format!("/rtc/validate?access_token={token}")).await;
    assert_eq!(validate.status, 200, "{}", validate.body);
    server.shutdown().await;
}

#[tokio::test]
async fn a_reload_keeps_its_identity_and_nobody_takes_anothers() {
    let (server, to) = start(config()).await;
    let first = read(&join(to, "daily", r#"{"name": "Anna"}"#).await);
    let session = first["session"].as_str().unwrap();
    let with = |session: &str| format!(r#"{{"name": "Anna", "session": "{session}"}}"#);
    let again = read(&join(to, "daily", &with(session)).await);
    assert_eq!(again["identity"], first["identity"]);

    let other = read(&join(to, "daily", r#"{"name": "Ben"}"#).await);
    let (anna, ben) = (
        first["identity"].as_str().unwrap(),
        other["identity"].as_str().unwrap(),
    );
    assert_ne!(anna, ben);
    let stolen = other["session"].as_str().unwrap().replace(ben, anna);
    for (room, session) in [("daily", &*stolen), ("daily", anna), ("weekly", session)] {
        let answer = join(to, room, &with(session)).await;
        assert_eq!(answer.status, 200, "a new identity, as for a newcomer");
        assert_ne!(read(&answer)["identity"], *anna, "{room} {session}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn what_no_page_sends_is_refused() {
    let (server, to) = start(config()).await;
    let long = format!(r#"{{"name": "{}"}}"#, "x".repeat(65));
    let huge = format!(r#"{{"name": "{}"}}"#, "x".repeat(5_000));
    let room = "r".repeat(65);
    for (room, body, status, code) in [
        ("daily", r#"{"name": " "}"#, 400, "invalid-name"),
        ("daily", &*long, 400, "invalid-name"),
        ("a%2Fb", r#"{"name": "Anna"}"#, 400, "invalid-room"),
        ("%FF", r#"{"name": "Anna"}"#, 400, "invalid-room"),
        (&*room, r#"{"name": "Anna"}"#, 400, "invalid-room"),
        ("daily", "{", 400, "invalid-request"),
        ("daily", "[]", 400, "invalid-request"),
        ("daily", &*huge, 413, "invalid-request"),
    ] {
        let answer = join(to, room, body).await;
        assert_eq!(answer.status, status, "{room} {}", answer.body);
        assert_eq!(read(&answer)["code"], code, "{room}");
    }
    let path = "POST /api/rooms/daily/join";
    let body = r#"{"name": "Anna"}"#;
    let text = ask(to, path, &["content-type: text/plain"], body).await;
    assert_eq!(text.status, 415, "what a form of another site can send");
    for foreign in [
        "origin: https://elsewhere.example",
        "origin: null",
        "sec-fetch-site: cross-site",
    ] {
        let answer = ask(to, path, &[JSON, foreign], body).await;
        assert_eq!(answer.status, 403, "{foreign}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    let own = format!("origin: http://{to}");
    let answer = ask(to, path, &[JSON, &own, "sec-fetch-site: same-origin"], body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    server.shutdown().await;
}

#[tokio::test]
async fn a_room_is_opened_by_joining_only_where_that_is_allowed() {
    let mut config = config();
    config.room.auto_create = false;
    let (server, to) = start(config).await;
    let answer = join(to, "daily", r#"{"name": "Anna"}"#).await;
    assert_eq!(
        (answer.status, &read(&answer)["code"]),
        (404, &Value::from("not-found"))
    );
    server.shutdown().await;
}
