//! The program as it is run: what it refuses, and what it says of a server that
//! is not there or does not let it in. Runs against a real server are in
//! `tests/load/`.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_visavis-load"))
        .args(arguments)
        .output()
        .unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn machines_of_others_are_refused_before_anything_is_sent() {
    let output = load(&["--url", "ws://192.0.2.1:7880"]);
    assert!(complaint(&output).contains("192.0.2.1 is refused"));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_server_that_is_not_there_fails_every_participant_at_once() {
    // Bound and closed again: nobody listens there now.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    drop(listener);
    let output = load(&[
        "--url",
        &url,
        "--subscribers",
        "2",
        "--seconds",
        "1",
        "--json",
    ]);
    assert!(complaint(&output).contains("0 of 3 joined"));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let failures = report["failures"].as_object().unwrap();
    assert_eq!(failures.values().next(), Some(&3.into()));
}

#[test]
fn a_refusal_is_shown_with_its_status_and_text_without_the_token() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let door = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4_096];
        let len = stream.read(&mut request).unwrap();
        let refusal = "HTTP/1.1 401 Unauthorized\r\n\r\nno: ";
        let request = String::from_utf8_lossy(&request[..len]).into_owned();
        let token = request.split(['=', '&']).nth(1).unwrap();
        stream.write_all(refusal.as_bytes()).unwrap();
        stream.write_all(token.as_bytes()).unwrap();
        request
    });
    let one = ["--publishers", "1", "--subscribers", "0", "--seconds", "1"];
    let output = load(&[&["--url", &url], &one[..]].concat());
    assert!(complaint(&output).contains("refused with status 401: no: (token)"));
    let request = door.join().unwrap();
    assert!(request.starts_with("GET /rtc?access_token="), "{request}");
}
