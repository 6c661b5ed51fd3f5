//! Makes the code of the wire messages from their declarations.

mod emit;
mod parse;
mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::places::workspace;

fn target() -> PathBuf {
    workspace().join("crates/wire/src/generated")
}

/// Writes the generated files and removes those that no declaration asks for.
pub(crate) fn write() -> Result<()> {
    let files = generate()?;
    fs::create_dir_all(target())?;
    for name in present()?
        .into_keys()
        .filter(|name| !files.contains_key(name))
    {
        fs::remove_file(target().join(name))?;
    }
    for (name, text) in files {
        fs::write(target().join(&name), text).with_context(|| name)?;
    }
    Ok(())
}

/// Fails if the generated files are not what the declarations ask for.
pub(crate) fn check() -> Result<()> {
    let (wanted, present) = (generate()?, present()?);
    let stale: Vec<&String> = wanted
        .keys()
        .chain(present.keys())
        .filter(|name| wanted.get(*name) != present.get(*name))
        .collect();
    ensure!(
        stale.is_empty(),
        "run `cargo xtask codegen`: {stale:?} are not current"
    );
    Ok(())
}

fn present() -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(target())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read_to_string(entry.path())?);
    }
    Ok(files)
}

fn generate() -> Result<BTreeMap<String, String>> {
    let mut apis = Vec::new();
    for entry in fs::read_dir(workspace().join("crates/wire/messages"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "msg") {
            let text = fs::read_to_string(&path)?;
            let module = path
                .file_stem()
                .context("a file has a name")?
                .to_string_lossy();
            let api = parse::parse(&module, &text).with_context(|| path.display().to_string())?;
            apis.push(api);
        }
    }
    apis.sort_by_key(|api| api.key);
    let mut files = BTreeMap::from([("mod.rs".to_owned(), format(&emit::index(&apis))?)]);
    for api in &apis {
        files.insert(format!("{}.rs", api.module), format(&emit::api(api)?)?);
    }
    Ok(files)
}

fn format(code: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--config-path"])
        .arg(workspace().join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("rustfmt formats the generated code")?;
    let mut input = rustfmt.stdin.take().context("standard input is piped")?;
    // The code is written from a thread of its own: rustfmt may answer before it has read all.
    let code = code.to_owned();
    let writer = std::thread::spawn(move || input.write_all(code.as_bytes()));
    let output = rustfmt.wait_with_output()?;
    if !output.status.success() || writer.join().is_err() {
        bail!("rustfmt refused the generated code");
    }
    Ok(String::from_utf8(output.stdout)?)
}
