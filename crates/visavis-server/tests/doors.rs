//! Who is let in over HTTP, and what everybody else is told.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

mod common;

use common::{KEY, SECRET, ask, claims, config, get, now, start, token};
use visavis_server::Config;
use visavis_signal::token::{Claims, mint};

const ORIGIN: &str = "origin: https://elsewhere.example";

#[tokio::test]
async fn validate_tells_everybody_why_they_are_not_let_in() {
    let (server, to) = start(config()).await;
    let expired = Claims {
        expires: now() - 120,
        ..claims("anna", "daily")
    };
    let expired = mint(&expired, KEY, SECRET, now() - 600).unwrap();
    let forged = mint(&claims("anna", "daily"), KEY, "another secret", now()).unwrap();
    let foreign = mint(&claims("anna", "daily"), "APIother", SECRET, now()).unwrap();
    let mut roomless = claims("anna", "daily");
    roomless.grants.room_join = false;
    let roomless = mint(&roomless, KEY, SECRET, now()).unwrap();
    let good = token("anna", "daily");
    for (query, status, text) in [
        (String::new(), 401, "token"),
        ("access_token=".to_owned(), 401, "token"),
        ("access_token=a.b.c".to_owned(), 401, "malformed"),
        (format!("access_token={forged}"), 401, "signature"),
        (format!("access_token={foreign}"), 401, "API key"),
        (format!("access_token={expired}"), 401, "expired"),
        (format!("access_token={roomless}"), 401, "does not allow"),
        (
            format!("access_token={good}&room=weekly"),
            401,
            "does not allow",
        ),
        (format!("access_token={good}&protocol=x"), 400, "protocol"),
        (format!("access_token={good}"), 200, "success"),
    ] {
        let answer = ask(to, &format!("GET /rtc/validate?{query}"), &[ORIGIN], "").await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert!(answer.body.contains(text), "{query}: {}", answer.body);
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(
            allowed, "https://elsewhere.example",
            "errors must be readable"
        );
    }
    let bearer = format!("authorization: Bearer {good}");
    assert_eq!(
        ask(to, "GET /rtc/validate", &[&bearer], "").await.status,
        200
    );
    let v1 = get(to, &format!("/rtc/v1/validate?access_token={good}")).await;
    assert_eq!(v1.status, 400, "the newer path needs a join request");
    server.shutdown().await;
}

#[tokio::test]
async fn a_room_that_may_not_be_opened_does_not_exist() {
    let mut config = config();
    config.room.auto_create = false;
    let (server, to) = start(config).await;
    let answer = get(
        to,
        &format!("/rtc/validate?access_token={}", token("anna", "daily")),
    )
    .await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.body.contains("requested room does not exist"),
        "{}",
        answer.body
    );
    server.shutdown().await;
}

#[tokio::test]
async fn paths_are_livekits() {
    let (server, to) = start(config()).await;
    let good = token("anna", "daily");
    let answer = get(to, &format!("//rtc/validate?access_token={good}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for path in ["/rtc", "//rtc/v1"] {
        let answer = ask(
            to,
            &format!("GET {path}?access_token={good}"),
            &[ORIGIN],
            "",
        )
        .await;
        assert_eq!(answer.status, 404, "no upgrade, no answer");
        assert!(!answer.header("access-control-allow-origin").is_empty());
    }
    let health = get(to, "/").await;
    assert_eq!((health.status, &*health.body), (200, "OK"));
    let head = ask(to, "HEAD /", &[ORIGIN], "").await;
    assert_eq!(head.status, 200);
    assert_eq!(
        head.header("access-control-allow-origin"),
        "https://elsewhere.example"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn a_preflight_allows_what_it_asks_for() {
    let (server, to) = start(config()).await;
    let asked = [
        ORIGIN,
        "access-control-request-method: POST",
        "access-control-request-headers: authorization,x-own",
    ];
    let answer = ask(to, "OPTIONS /rtc/validate", &asked, "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "authorization,x-own"
    );
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("DELETE")
    );
    let own = ask(to, "OPTIONS /api/rooms/daily/join", &asked, "").await;
    assert_eq!(
        own.header("access-control-allow-origin"),
        "",
        "ours is for our pages only"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn the_page_says_what_it_may_load() {
    let (server, to) = start(config()).await;
    let accept = ["accept: text/html,*/*"];
    for (path, status) in [("/", 200), ("/m/abc-defg-hij", 200), ("/nowhere", 404)] {
        let page = ask(to, &format!("GET {path}"), &accept, "").await;
        assert_eq!(page.status, status, "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'; "), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains(&format!("wss://{to}")), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert!(page.header("permissions-policy").contains("camera=(self)"));
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
    let file = get(to, "/assets/nothing.js").await;
    assert_eq!(
        (file.status, &*file.body),
        (404, ""),
        "a missing script is no page"
    );
    let escape = get(to, "/assets/../../Cargo.toml").await;
    assert_eq!(escape.status, 404);
    assert_eq!(ask(to, "POST /nowhere", &accept, "").await.status, 404);
    server.shutdown().await;
}

#[tokio::test]
async fn plain_http_learns_where_https_is() {
    let config = Config {
        dev_tls: true,
        bind_addresses: vec!["127.0.0.1".parse().unwrap()],
        ..config()
    };
    let certificate = config.data_dir.join("dev-tls.pem");
    let (server, to) = start(config).await;
    let plain = get(to, "/m/daily?a=1").await;
    assert_eq!(plain.status, 307);
    assert_eq!(
        plain.header("location"),
        format!("https://{to}/m/daily?a=1")
    );
    let bad = ask(to, "GET /", &["host: evil\u{7f}"], "").await;
    assert_eq!(bad.status, 400);

    let stream = common_tls(to, &certificate).await;
    let answer = common::ask_over(stream, to, "GET /", &[], "").await;
    assert_eq!((answer.status, &*answer.body), (200, "OK"));
    server.shutdown().await;
}

/// A TLS connection that trusts nothing but the server's own certificate.
async fn common_tls(
    to: std::net::SocketAddr,
    certificate: &std::path::Path,
) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    use std::sync::Arc;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(to).await.unwrap();
    let name = ServerName::from(to.ip());
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    connector.connect(name, stream).await.unwrap()
}
