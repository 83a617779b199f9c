//! `visavis-load`: see the library.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to a terminal"
)]

mod cli;

use std::process::ExitCode;

use cli::{Arguments, USAGE};

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1).collect()) {
        Ok(Some(arguments)) => run(&arguments),
        Ok(None) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(why) => failed(&why),
    }
}

fn run(arguments: &Arguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let report = match runtime {
        Ok(runtime) => runtime.block_on(visavis_load::run(&arguments.options)),
        Err(error) => return failed(&error),
    };
    let report = match report {
        Ok(report) => report,
        Err(error) => return failed(&error),
    };
    if arguments.json {
        match serde_json::to_string_pretty(&report) {
            Ok(text) => println!("{text}"),
            Err(error) => return failed(&error),
        }
    } else {
        print!("{report}");
    }
    let complaints = report.complaints(arguments.limits);
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn failed(why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("visavis-load: {why}");
    ExitCode::FAILURE
}
