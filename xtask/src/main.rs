//! Developer commands.

mod codegen;

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask codegen [--check]
  codegen          writes crates/wire/src/generated from crates/wire/messages
  codegen --check  fails if that would change anything";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["codegen"] => codegen::write(),
        ["codegen", "--check"] => codegen::check(),
        _ => bail!(USAGE),
    }
}
