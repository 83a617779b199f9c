//! The program `visavis`; `visavis help` says how to use it.

use std::process::ExitCode;

fn main() -> ExitCode {
    visavis_server::run(std::env::args_os().skip(1).collect())
}
