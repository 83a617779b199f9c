//! The project's chores, each one command that sets up what it needs.

use std::process::{Command, ExitCode};
use std::time::Instant;

const USAGE: &str = "usage: cargo xtask <command>

  test [FILTER]   every test of the workspace
  lint            formatting and clippy, warnings denied
  bench forward   what forwarding costs, as a multiple of a bare seal";

/// A step that did not succeed, as it was called.
struct Failed(String);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let start = Instant::now();
    let done = match arguments[..] {
        ["test"] => cargo(&["test", "--workspace", "--locked"]),
        ["test", filter] => cargo(&["test", "--workspace", "--locked", filter]),
        ["lint"] => lint(),
        ["bench", "forward"] => cargo(&[
            "bench",
            "--package",
            "visavis-sfu",
            "--bench",
            "forward",
            "--locked",
        ]),
        _ => Err(Failed(USAGE.to_owned())),
    };
    match done {
        Ok(()) => {
            eprintln!("done in {} s", start.elapsed().as_secs());
            ExitCode::SUCCESS
        }
        Err(Failed(what)) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

fn lint() -> Result<(), Failed> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "--deny",
        "warnings",
    ])
}

fn cargo(arguments: &[&str]) -> Result<(), Failed> {
    // Cargo tells its children which cargo they belong to.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(arguments).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed(format!(
            "cargo {} failed: {status}",
            arguments.join(" ")
        ))),
        Err(error) => Err(Failed(format!("cargo can't be started: {error}"))),
    }
}
