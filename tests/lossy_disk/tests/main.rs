//! The lossy disk below plain programs, and below the real broker.
//!
//! Where it cannot be mounted its tests are skipped and listed with the reason in the last lines;
//! with `OTTLA_REQUIRE_CLIENTS=1` they fail.

mod broker;
mod bytes;
mod files;
mod kills;
mod load;
mod names;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use lossy_disk::LossyDisk;
use tempfile::TempDir;

/// A name and what it stands for.
type Test = (&'static str, fn() -> anyhow::Result<()>);

fn main() -> ExitCode {
    if let Some(code) = kills::play_role() {
        return code;
    }
    let arguments = Arguments::from_args();
    let required = std::env::var("OTTLA_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    let missing = lossy_disk::can_mount()
        .err()
        .map(|reason| format!("{reason:#}"));
    let tests = [
        bytes::TESTS,
        names::TESTS,
        files::TESTS,
        kills::TESTS,
        broker::TESTS,
    ]
    .concat();
    let mut skipped = Vec::new();
    let trials = tests
        .into_iter()
        .map(|(name, run)| match missing.clone() {
            None => Trial::test(name, move || {
                run().map_err(|error| Failed::from(format!("{error:?}")))
            }),
            Some(reason) if required => Trial::test(name, || Err(Failed::from(reason))),
            Some(reason) => {
                skipped.push(format!("{name}: {reason}"));
                Trial::test(name, || Ok(())).with_ignored_flag(true)
            }
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        for line in &skipped {
            println!("skipped {line}");
        }
    }
    conclusion.exit_code()
}

/// A disk on a directory of its own. The directory comes first, so that it goes last.
fn mounted(seed: u64) -> anyhow::Result<(TempDir, LossyDisk)> {
    let scratch = tempfile::tempdir()?;
    let disk = LossyDisk::mount(&scratch.path().join("disk"), seed)?;
    Ok((scratch, disk))
}
