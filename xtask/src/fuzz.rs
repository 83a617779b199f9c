//! Coverage-guided fuzzing (libFuzzer) of everything that reads untrusted bytes.

use std::process::Command;

use crate::tools::{Failed, cargo_command, need_compilers, root, run as run_program};

/// The targets of `fuzz/src/main.rs`.
const TARGETS: [&str; 11] = [
    "rtp", "rtcp", "srtp", "sdp", "stun", "dcep", "datagram", "frame", "join", "data", "token",
];
/// What `cargo fuzz` asks of the compiler, without sanitizers, so that the stable
/// compiler can do it: `unsafe` is in one crate, and that one reads no packets.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Fuzzes each target, or the one that is named, for `seconds`.
pub(crate) fn run(seconds: &str, only: Option<&str>) -> Result<(), Failed> {
    if seconds.parse::<u32>().is_err() {
        return Err(Failed(format!("{seconds} is no number of seconds")));
    }
    need_compilers()?;
    let folder = root().join("target/fuzz");
    run_program(
        cargo_command()
            .args(["build", "--release", "--manifest-path"])
            .arg(root().join("fuzz/Cargo.toml"))
            .arg("--target-dir")
            .arg(&folder)
            // Named, so that build scripts and macros are built without coverage.
            .args(["--target", &host()?])
            .env("RUSTFLAGS", COVERAGE),
    )?;
    let binary = folder.join(host()?).join("release/visavis-fuzz");
    let wanted = |name: &&&str| only.is_none_or(|only| only == **name);
    for name in TARGETS.iter().filter(wanted) {
        let corpus = folder.join("corpus").join(name);
        std::fs::create_dir_all(&corpus)
            .map_err(|error| Failed(format!("{}: {error}", corpus.display())))?;
        let prefix = format!("-artifact_prefix={}/{name}-", folder.display());
        run_program(
            Command::new(&binary)
                .arg(&corpus)
                .args(["-max_len=4096", "-timeout=10", "-print_final_stats=1"])
                .arg(format!("-max_total_time={seconds}"))
                .arg(prefix)
                .env("VISAVIS_FUZZ_TARGET", name),
        )?;
    }
    Ok(())
}

/// The machine's own target, as the compiler calls it.
fn host() -> Result<String, Failed> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.map_err(|error| Failed(format!("rustc can't be started: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Failed("rustc does not say for which machine it is".into()))
}
