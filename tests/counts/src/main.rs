//! What requests cost, by counts that do not depend on the machine's mood.
//!
//! - `counts compare OTTLA [--bless]` counts everything, with this binary where a whole
//!   process is wanted, and compares it with `tests/counts/expected.json`, or makes it the figures to
//!   come up to;
//! - `counts send CASE` is the process that is looked at.

mod allocation;
mod cases;
mod door;
mod figures;
mod machine;
mod measure;
mod system_calls;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use cases::CASES;
use figures::Table;

const USAGE: &str = "usage: counts compare OTTLA [--bless] | counts send CASE";

/// The kinds of requests for which the calls of the kernel are counted too.
const IN_A_PROCESS: [&str; 7] = [
    "produce",
    "produce, relaxed",
    "produce, 16 KB",
    "fetch",
    "metadata",
    "heartbeat",
    "offset commit",
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["compare", ottla] => compare(Path::new(ottla), false),
        ["compare", ottla, "--bless"] => compare(Path::new(ottla), true),
        ["send", name] => measure::send(measure::find(name)?),
        _ => bail!(USAGE),
    }
}

fn compare(ottla: &Path, is_blessed: bool) -> Result<()> {
    let mut table = Table::new();
    println!(
        "{:<32} {:>12} {:>12} {:>16}",
        "per request", "instructions", "allocations", "allocated bytes"
    );
    for case in CASES {
        let found = measure::measure(case).with_context(|| format!("{:?}", case.name))?;
        println!(
            "{:<32} {:>12} {:>12} {:>16}",
            case.name, found.instructions, found.allocations, found.allocated_bytes
        );
        table.insert(case.name.to_owned(), found.by_name());
    }
    println!("\n{:<32} calls of the kernel for a request", "");
    for name in IN_A_PROCESS {
        let found = system_calls::measure(ottla, measure::find(name)?)
            .with_context(|| format!("the calls for {name:?}"))?;
        let words: Vec<String> = found
            .iter()
            .map(|(call, count)| format!("{call} {count}"))
            .collect();
        println!("{name:<32} {}", words.join(", "));
        table.entry(name.to_owned()).or_default().extend(found);
    }
    if is_blessed {
        return figures::bless(&table);
    }
    let different = figures::differences(&figures::committed()?, &table);
    ensure!(
        different.is_empty(),
        "not what it was:\n{}\nWhen that is as it should be: cargo xtask counts --bless",
        different.join("\n")
    );
    Ok(())
}
