//! Every test, from the quickest to the slowest.

use std::process::Command;

use crate::fuzz;
use crate::tools::{Failed, cargo, need_compilers, root, run};
use crate::web;

/// Seconds per fuzz target in the long run.
const FUZZ_SECONDS: &str = "60";

/// How much is tested.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What every change must pass.
    Usual,
    /// With the load and leak runs, and fuzzing.
    Long,
}

/// All tests.
pub(crate) fn all(extent: Extent) -> Result<(), Failed> {
    // The server embeds the pages, and its tests look at them.
    web::build()?;
    of_the_workspace(None)?;
    web::test()?;
    with_real_peers(extent)?;
    if extent == Extent::Long {
        fuzz::run(FUZZ_SECONDS, None)?;
    }
    Ok(())
}

/// The tests of the workspace, or those whose names contain `filter`.
pub(crate) fn of_the_workspace(filter: Option<&str>) -> Result<(), Failed> {
    need_compilers()?;
    let mut arguments = vec!["test", "--workspace", "--locked"];
    arguments.extend(filter);
    cargo(&arguments)
}

/// Browsers, SDKs and the load generator against the built server.
fn with_real_peers(extent: Extent) -> Result<(), Failed> {
    let tests = root().join("tests");
    let node = |script: &str| {
        let mut command = Command::new("node");
        command.arg(tests.join(script));
        command
    };
    run(&mut node("setup.mjs"))?;
    cargo(&["build", "--workspace", "--locked"])?;
    // Nothing else runs meanwhile: these have deadlines.
    run(&mut node("table.mjs"))?;
    run(Command::new("npm").arg("--prefix").arg(&tests).arg("test"))?;
    let built = |name: &str| root().join("target/debug").join(name);
    run(Command::new("python3")
        .arg(tests.join("load/load.py"))
        .arg(if extent == Extent::Long {
            "long"
        } else {
            "short"
        })
        .arg("--server")
        .arg(built("visavis"))
        .arg("--load")
        .arg(built("visavis-load")))
}
