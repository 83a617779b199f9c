//! The program as it is started from a shell.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on should stop"
)]

mod common;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

fn visavis(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visavis"));
    command
        .args(arguments)
        .current_dir(common::folder())
        .env_clear();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn it_greets_and_ends_when_it_is_told_to() {
    let mut server = visavis(&["serve", "--dev", "--port", "0"]).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap());
    let mut greeting = String::new();
    while !greeting.contains("  note ") {
        assert_ne!(lines.read_line(&mut greeting).unwrap(), 0, "{greeting}");
    }
    assert!(greeting.contains("http://localhost:"), "{greeting}");
    let id = server.id().to_string();
    assert!(
        Command::new("/bin/kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(
        server.wait().unwrap().success(),
        "an ordered end is a success"
    );
    lines.read_to_string(&mut greeting).unwrap();
    assert!(greeting.lines().count() <= 10, "{greeting}");
}

#[test]
fn a_known_secret_is_never_served_to_others() {
    let output = visavis(&["serve", "--dev", "--bind", "0.0.0.0", "--port", "0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("this machine only"), "{error}");
}

#[test]
fn a_taken_port_is_explained() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = visavis(&["serve", "--dev", "--port", &port])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains(&format!("TCP port {port} is taken")),
        "{error}"
    );
}

#[test]
fn it_says_its_version_and_how_to_use_it() {
    let output = visavis(&["--version"]).output().unwrap();
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .starts_with("visavis 0.")
    );
    let output = visavis(&["help"]).output().unwrap();
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("--dev-tls")
    );
}
