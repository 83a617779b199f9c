//! Running the server from its sources.

use std::os::unix::process::CommandExt as _;

use crate::tools::{Failed, cargo, cargo_command, need_compilers};
use crate::web;

/// The server's package and program.
const PACKAGE: [&str; 5] = [
    "--package",
    "visavis-server",
    "--bin",
    "visavis",
    "--locked",
];

/// Builds the pages, then the server with them inside, and becomes the server.
pub(crate) fn run(options: &[&str]) -> Result<(), Failed> {
    need_compilers()?;
    web::build()?;
    cargo(&[&["build"], &PACKAGE[..]].concat())?;
    let mut command = cargo_command();
    command
        .args(["run", "--quiet"])
        .args(PACKAGE)
        .args(["--", "serve"])
        .args(options);
    // In this process's place, so that signals reach the server itself.
    let error = command.exec();
    Err(Failed(format!("cargo can't be started: {error}")))
}
