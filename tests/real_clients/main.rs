//! Real clients against the real binary: one test per client and scenario.
//!
//! A client that is not installed is a skipped test, listed with its reason in the last lines; with
//! `OTTLA_REQUIRE_CLIENTS=1` it is a failed one. `tests/real_clients/install` installs all.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use workspace_tests::{CLIENTS, Client};

mod scenarios;
mod versions;

/// How many tests run at a time, however many cores there are.
const THREADS: usize = 6;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They wait more than they work: for heartbeats, and for sessions to end.
    arguments.test_threads.get_or_insert(THREADS);
    let required = std::env::var("OTTLA_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    let mut trials = scenarios::negative_controls();
    trials.push(Trial::test("readme::tells_the_versions", versions::check));
    let mut skipped = Vec::new();
    for client in CLIENTS {
        let missing = client.python().err();
        for (scenario, run) in scenarios::of(*client) {
            let name = format!("{}::{scenario}", client.name);
            trials.push(match missing.clone() {
                None => trial(name, *client, *run),
                Some(reason) if required => Trial::test(name, || Err(Failed::from(reason))),
                Some(reason) => {
                    skipped.push(format!("{name}: {reason}"));
                    Trial::test(name, || Ok(())).with_ignored_flag(true)
                }
            });
        }
    }
    // What takes longest begins first.
    trials.sort_by_key(|trial| !trial.name().ends_with(scenarios::LONGEST));
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        for line in &skipped {
            println!("skipped {line}");
        }
    }
    conclusion.exit_code()
}

fn trial(name: String, client: Client, run: scenarios::Scenario) -> Trial {
    Trial::test(name, move || {
        run(client).map_err(|error| Failed::from(format!("{error:?}")))
    })
}
