//! Replays inputs through a target, as the fuzzer would run them: `replay TARGET FILE...`.
//! Without arguments it lists the targets.

use std::process::ExitCode;

use fuzz::{TARGETS, Target, check};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(name) = arguments.next() else {
        for target in TARGETS {
            println!("{:16} {}", target.name, target.about);
        }
        return ExitCode::SUCCESS;
    };
    let Some(target) = name.to_str().and_then(Target::named) else {
        eprintln!("there is no target {}", name.display());
        return ExitCode::from(2);
    };
    for path in arguments {
        let input = match std::fs::read(&path) {
            Ok(input) => input,
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                return ExitCode::from(2);
            }
        };
        check(target, &input);
        println!("{}: nothing is wrong", path.display());
    }
    ExitCode::SUCCESS
}
