//! Every committed input through its target, as the fuzzer would run it: a test for the corpus of each
//! target, and one for each input that once went wrong.

use std::process::ExitCode;

use fuzz::corpus::{self, Input};
use fuzz::{TARGETS, Target, check};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for target in TARGETS {
        trials.push(Trial::test(format!("{}::corpus", target.name), || {
            replay_corpus(target)
        }));
        let directory = corpus::regressions_directory(target);
        for input in corpus::inputs(&directory).expect("a readable directory") {
            let name = format!("{}::regressions::{}", target.name, input.name);
            trials.push(Trial::test(name, move || {
                check(target, &input.bytes);
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn replay_corpus(target: &Target) -> Result<(), Failed> {
    let seeds = (target.seeds)().into_iter().enumerate();
    let seeds = seeds.map(|(number, bytes)| Input {
        name: format!("seed-{number:04}"),
        bytes,
    });
    let files = corpus::inputs(&corpus::corpus_directory(target))?;
    let inputs: Vec<Input> = files.into_iter().chain(seeds).collect();
    if inputs.is_empty() {
        return Err("there is nothing to replay".into());
    }
    for input in inputs {
        // Printed by the harness only when the test fails.
        let _named = NameOnPanic(&input.name);
        check(target, &input.bytes);
    }
    Ok(())
}

/// Says which input it was, if its check panics.
struct NameOnPanic<'a>(&'a str);

impl Drop for NameOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was the input {}", self.0);
        }
    }
}
