//! Stamps the binary with the commit it was built from.
//!
//! The stamp must follow `HEAD` without making every build a full one, and a source archive or
//! `cargo install` outside a checkout must build too: there the commit is "unknown".

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let commit = if is_our_checkout() {
        watch_head();
        git(&["rev-parse", "--short=12", "HEAD"])
    } else {
        None
    };
    let commit = commit.unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=OTTLA_COMMIT={commit}");
}

/// Whether the checkout around this directory, if any, is the one this file belongs to: sources
/// unpacked inside another project must not carry that project's commit.
fn is_our_checkout() -> bool {
    git(&["ls-files", "--error-unmatch", "build.rs"]).is_some()
}

/// Asks for a new stamp whenever `HEAD` moves. The reflog of `HEAD` is one file that changes with
/// every commit, checkout and rebase; without one, the places where a branch may be kept.
fn watch_head() {
    let head = git_path("HEAD");
    let reflog = git_path("logs/HEAD");
    let branches = [git_path("packed-refs"), git_path("refs/heads")];
    let mut watched: Vec<PathBuf> = head.into_iter().collect();
    match reflog.filter(|path| path.exists()) {
        Some(path) => watched.push(path),
        None => watched.extend(branches.into_iter().flatten()),
    }
    // A path that does not exist would make every build run this again.
    for path in watched.iter().filter(|path| path.exists()) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

fn git_path(name: &str) -> Option<PathBuf> {
    git(&["rev-parse", "--git-path", name]).map(|path| Path::new(&path).to_path_buf())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
