//! Embeds the web app: a table of `web/dist` with content types, tags and
//! compressed forms. Without that folder the table is empty, so that tests and
//! lints need no Node.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Below this, headers cost more than compression saves.
const WORTH_COMPRESSING: usize = 512;

fn main() -> io::Result<()> {
    let variable = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .unwrap_or_default()
    };
    let dist = variable("CARGO_MANIFEST_DIR").join("../../web/dist");
    let out = variable("OUT_DIR");
    // Cargo watches only what exists, and takes what does not for changed, always.
    let _ = fs::create_dir(&dist);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.is_dir() {
        collect(&dist, "", &mut files)?;
    }
    files.sort();
    let mut table = format!("static ASSETS: [Asset; {}] = [\n", files.len());
    for (index, (path, file)) in files.iter().enumerate() {
        let copy = out.join(index.to_string());
        table.push_str(&entry(path, &fs::read(file)?, &copy)?);
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)
}

/// All files below a folder, with their paths as the browser sees them.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let path = format!("{prefix}{}", name.to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}

/// One row of the table; `copy` is where the content is kept for the compiler,
/// which may come when the folder has been built anew.
fn entry(path: &str, content: &[u8], copy: &Path) -> io::Result<String> {
    fs::write(copy, content)?;
    let kind = content_type(path);
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let mut gzip = "None".to_owned();
    let text = kind.starts_with("text/") || kind.contains("json") || kind.contains("svg");
    if content.len() > WORTH_COMPRESSING && (text || kind == "application/wasm") {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content)?;
        let shorter = encoder.finish()?;
        if shorter.len() < content.len() {
            let compressed = copy.with_extension("gz");
            fs::write(&compressed, shorter)?;
            gzip = format!("Some(include_bytes!({compressed:?}))");
        }
    }
    let mut row = String::new();
    let immutable = path.starts_with("assets/");
    writeln!(
        row,
        "Asset {{ path: {path:?}, content_type: {kind:?}, immutable: {immutable}, \
         etag: \"\\\"{:016x}\\\"\", plain: include_bytes!({copy:?}), gzip: {gzip} }},",
        hasher.finish(),
    )
    .map_err(io::Error::other)?;
    Ok(row)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" | "opus" => "audio/ogg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
