//! What a result was measured on.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

/// Processor, memory, kernel, and the versions of what was compared.
pub(crate) fn describe() -> Value {
    json!({
        "processor": field("/proc/cpuinfo", "model name"),
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": field("/proc/meminfo", "MemTotal"),
        "kernel": said("uname", &["-r"]),
        "java": said("java", &["--version"]),
        "commit": said("git", &["rev-parse", "--short", "HEAD"]),
        "is_changed": !said("git", &["status", "--porcelain", "crates", "xtask"]).is_empty(),
    })
}

/// What stands behind a name and a colon in a file of the kernel.
fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// The first line that a program says; nothing if it is not there.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
