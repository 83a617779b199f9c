//! The project's chores, each one command that sets up what it needs.

mod fuzz;
mod serve;
mod test;
mod tools;
mod web;

use std::process::ExitCode;
use std::time::Instant;

use tools::{Failed, cargo};

const USAGE: &str = "usage: cargo xtask <command>

  serve [OPTIONS]  builds the pages and the server, and runs it (options: serve help)
  test [FILTER]    every test; with a filter, the workspace's tests of that name
  test --long      with the long load and leak runs and fuzzing
  lint             formatting, clippy, and the pages' lint and types; warnings denied
  fuzz SECONDS [TARGET]
                   coverage-guided fuzzing of what reads untrusted bytes
  bench forward    what forwarding costs, as a multiple of a bare seal";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let start = Instant::now();
    let done = match arguments[..] {
        ["serve", "help"] => serve::run(&["--help"]),
        ["serve", ref options @ ..] => serve::run(options),
        ["test"] => test::all(test::Extent::Usual),
        ["test", "--long"] => test::all(test::Extent::Long),
        ["test", filter] => test::of_the_workspace(Some(filter)),
        ["lint"] => lint(),
        ["fuzz", seconds] => fuzz::run(seconds, None),
        ["fuzz", seconds, target] => fuzz::run(seconds, Some(target)),
        ["bench", "forward"] => bench_forward(),
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
    ])?;
    web::lint()
}

fn bench_forward() -> Result<(), Failed> {
    cargo(&[
        "bench",
        "--package",
        "visavis-sfu",
        "--bench",
        "forward",
        "--locked",
    ])
}
