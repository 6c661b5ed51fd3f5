//! Developer commands.

mod brokers;
mod codegen;
mod comparison;
mod compat;
mod counts;
mod fuzz;
mod growth;
mod harness;
mod machine;
mod places;
mod process;
mod simulation;
mod statistics;
mod svg;
mod topic;

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask COMMAND
  codegen            writes crates/wire/src/generated from crates/wire/messages
  codegen --check    fails if that would change anything
  compat SUITE       runs a test suite of somebody else's client against Ottla, and compares with
                     what compat/ says must pass (--kafka, --update)
  bench compare      measures Ottla and Apache Kafka side by side, row by row, and writes
                     docs/PERFORMANCE.md (--short, --full, --next-to PEER, ROW...)
  bench growth       measures Ottla with more and more partitions, producers and gigabytes, and
                     writes docs/performance/growth.md (--page, partitions, producers, gigabytes)
  counts             counts what requests cost, in instructions, allocations and calls of the kernel, and
                     compares with tests/counts/expected.json (--bless makes that what was counted)
  soak --seeds N     simulates N seeds (--from FIRST, --threads N, --result FILE)
  replay KIND SEED   simulates one seed again, as a failure prints it
  controls           sees the simulation find every deliberate defect (--seeds N, --result FILE)
  corrupt            mutates data directories (--mutations N, --from FIRST, --seed S, --result FILE)
  fuzz               feeds hostile bytes to the targets of tests/fuzz, one after the other, for 300
                     seconds in all; fails if something goes wrong (--seconds N, --seed N,
                     --target NAME)
  fuzz --keep        adds what was found worth trying to the committed corpus
  torture            kills the release binary under load and checks what is left of what it
                     acknowledged (--kills N, --seed N, --result FILE, --help for more)
  exactly-once [APPLICATION]
                     kills the release binary under a word count on Kafka Streams (streams) and under
                     a Kafka Connect worker (connect), or under one of them, and checks that nothing
                     is lost or doubled; wants a JDK and Maven (--kills N, --seed N, --result FILE,
                     --help for more)";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["compat", rest @ ..] => compat::run(rest),
        ["bench", "growth", rest @ ..] => growth::run(rest),
        ["bench", rest @ ..] => comparison::run(rest),
        ["counts", rest @ ..] => counts::run(rest),
        ["codegen"] => codegen::write(),
        ["codegen", "--check"] => codegen::check(),
        ["soak", rest @ ..] => simulation::soak(rest),
        ["replay", rest @ ..] => simulation::replay(rest),
        ["controls", rest @ ..] => simulation::controls(rest),
        ["corrupt", rest @ ..] => simulation::corrupt(rest),
        ["fuzz", options @ ..] => fuzz::run(options),
        ["torture", rest @ ..] => harness::torture(rest),
        ["exactly-once", rest @ ..] => harness::exactly_once(rest),
        _ => bail!(USAGE),
    }
}
