//! Other programs: running them, and saying what to install when one is missing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A step that did not succeed, in words for people.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

/// The oldest Node that builds the pages: its first with `require` of ES modules,
/// which their build tool needs.
const NODE: (u32, u32) = (20, 19);

/// The repository.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The cargo that runs this program: cargo tells its children.
pub(crate) fn cargo_command() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs cargo.
pub(crate) fn cargo(arguments: &[&str]) -> Result<(), Failed> {
    run(cargo_command().args(arguments))
}

/// Runs a program until it ends.
pub(crate) fn run(command: &mut Command) -> Result<(), Failed> {
    let name = Path::new(command.get_program());
    let name = name
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let words = command
        .get_args()
        .map(|word| word.to_string_lossy().into_owned());
    let shown = words.fold(name.clone(), |line, word| line + " " + &word);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed(format!("{shown} failed: {status}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing(&name)),
        Err(error) => Err(Failed(format!("{shown} can't be started: {error}"))),
    }
}

/// Checks for what compiling the server needs besides Rust.
pub(crate) fn need_compilers() -> Result<(), Failed> {
    // The crypto library is built by them.
    version("cc")?;
    version("cmake")?;
    Ok(())
}

/// Checks for what building the pages needs.
pub(crate) fn need_node() -> Result<(), Failed> {
    let found = version("node")?;
    version("npm")?;
    let mut numbers = found
        .trim_start_matches('v')
        .split('.')
        .map(|part| part.parse().ok());
    let known = numbers.next().flatten().zip(numbers.next().flatten());
    match known {
        Some(known) if known < NODE => Err(Failed(format!(
            "Node {found} is too old: {}.{} or later is needed. {}",
            NODE.0,
            NODE.1,
            install("node")
        ))),
        _ => Ok(()),
    }
}

/// The first line of `program --version`.
fn version(program: &str) -> Result<String, Failed> {
    let asked = Command::new(program)
        .arg("--version")
        .stderr(Stdio::null())
        .output();
    match asked {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            Ok(text.lines().next().unwrap_or_default().trim().to_owned())
        }
        Err(_) => Err(missing(program)),
    }
}

fn missing(program: &str) -> Failed {
    Failed(format!("{program} is not installed. {}", install(program)))
}

/// How to get a program on Debian.
fn install(program: &str) -> &'static str {
    match program {
        "cc" => "On Debian: sudo apt install build-essential",
        "cmake" => "On Debian: sudo apt install cmake",
        // Debian 12 has Node 18.
        "node" | "npm" => {
            "On Debian 13: sudo apt install nodejs npm. On Debian 12, whose Node is too old: \
             https://nodejs.org/en/download"
        }
        _ => "Is it in the PATH?",
    }
}
