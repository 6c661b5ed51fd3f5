//! Developer commands.

mod codegen;
mod fuzz;

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask codegen [--check]
       cargo xtask fuzz [--seconds N] [--target NAME]... [--keep]
  codegen          writes crates/wire/src/generated from crates/wire/messages
  codegen --check  fails if that would change anything
  fuzz             feeds hostile bytes to the targets of tests/fuzz, one after the other, for 300
                   seconds in all; fails if something goes wrong
  fuzz --keep      adds what was found worth trying to the committed corpus";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["codegen"] => codegen::write(),
        ["codegen", "--check"] => codegen::check(),
        ["fuzz", options @ ..] => fuzz::run(options),
        _ => bail!(USAGE),
    }
}
