//! The pages: their packages, their build, their lint and tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::tools::{Failed, need_node, root, run};

/// What the built pages are made from, in `web/`.
const SOURCES: [&str; 8] = [
    "index.html",
    "locales",
    "package-lock.json",
    "public",
    "src",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
];

fn folder() -> PathBuf {
    root().join("web")
}

/// Builds the pages into `web/dist`, unless they are newer than their sources.
pub(crate) fn build() -> Result<(), Failed> {
    let web = folder();
    let built = changed(&web.join("dist/index.html"));
    let newest = SOURCES
        .iter()
        .filter_map(|name| newest(&web.join(name)))
        .max();
    if built.is_some() && built >= newest {
        return Ok(());
    }
    eprintln!("building the pages");
    npm_run("build")
}

/// Lint and types, warnings denied.
pub(crate) fn lint() -> Result<(), Failed> {
    npm_run("lint")?;
    npm_run("check")
}

/// Unit tests.
pub(crate) fn test() -> Result<(), Failed> {
    npm_run("test")
}

fn npm_run(script: &str) -> Result<(), Failed> {
    install_packages(&folder())?;
    run(Command::new("npm")
        .args(["run", "--silent", script])
        .current_dir(folder()))
}

/// Installs the npm packages of a folder, unless they are newer than its lock
/// file.
pub(crate) fn install_packages(folder: &Path) -> Result<(), Failed> {
    need_node()?;
    // npm writes this one last.
    let installed = changed(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= changed(&folder.join("package-lock.json")) {
        return Ok(());
    }
    eprintln!("installing npm packages of {}", folder.display());
    let quiet = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    run(Command::new("npm").args(quiet).current_dir(folder))
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// When something in a folder, or the file itself, was changed last.
fn newest(path: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let inside = entries.filter_map(|entry| newest(&entry.path()));
    inside.chain(changed(path)).max()
}
