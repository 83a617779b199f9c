//! `visavis` as a program: arguments, environment, signals, exit status.

use std::ffi::OsString;
use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{self, Command};
use crate::config::{Config, Sources};
use crate::logging;
use crate::server::Server;

/// How a program ends that was called wrongly (`sysexits.h`: EX_USAGE).
const USAGE: u8 = 64;
/// How a program ends that a signal ended (128 and SIGINT's number).
const INTERRUPTED: i32 = 130;

/// Runs the program with the arguments behind its name.
#[must_use]
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    match cli::parse(arguments) {
        Ok(Command::Serve(sources)) => serve(sources),
        Ok(Command::Version) => say(&format!("visavis {}\n", env!("CARGO_PKG_VERSION"))),
        Ok(Command::Help) => say(&cli::usage()),
        Err(error) => complain(&error, USAGE),
    }
}

fn serve(mut sources: Sources) -> ExitCode {
    let variables = std::env::vars_os();
    let text = variables.filter_map(|(name, value)| {
        // What is not text is no setting of ours.
        Some((name.into_string().ok()?, value.into_string().ok()?))
    });
    sources.env = text.collect();
    let config = match Config::load(&sources) {
        Ok(config) => config,
        Err(error) => return complain(&error, USAGE),
    };
    logging::start(config.log_level);
    allow_many_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(until_stopped(config)),
        Err(error) => complain(&error, 1),
    }
}

/// Every connection is a file descriptor, and shells allow 1,024 unless a program
/// asks for what it may have.
fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With the lower limit it still works, for fewer.
    let _ = setrlimit(Resource::Nofile, limit);
}

async fn until_stopped(config: Config) -> ExitCode {
    let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt)] = signals else {
        return complain(&"signals can't be received", 1);
    };
    let server = match Server::start(config).await {
        Ok(server) => server,
        Err(error) => return complain(&error, 1),
    };
    say(server.greeting());
    let code = tokio::select! {
        () = either(&mut terminate, &mut interrupt) => ExitCode::SUCCESS,
        () = server.failed() => complain(&"a part of the server has failed", 1),
    };
    tracing::info!("stopping; a second signal stops at once");
    tokio::select! {
        () = server.shutdown() => code,
        () = either(&mut terminate, &mut interrupt) => std::process::exit(INTERRUPTED),
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn say(text: &str) -> ExitCode {
    match stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn complain(error: &impl std::fmt::Display, code: u8) -> ExitCode {
    // There is nobody left to tell.
    let _ = writeln!(stderr(), "visavis: {error}");
    ExitCode::from(code)
}
