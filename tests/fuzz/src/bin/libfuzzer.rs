//! All targets in one program under libFuzzer; `cargo xtask fuzz` builds and runs it.
//!
//! `OTTLA_FUZZ_TARGET` names the target; `list` prints all with the largest inputs worth trying.
//! `OTTLA_FUZZ_SEEDS`, if it is set, is a directory to which the
//! target's own seeds are written first; it should be among the directories that are given as arguments.

#![no_main]
#![allow(unsafe_code, reason = "the entry points that libFuzzer calls from C")]

use std::path::Path;
use std::sync::OnceLock;

use fuzz::{TARGETS, Target, check, corpus};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&Target> = OnceLock::new();

fn set_up() {
    let name = std::env::var("OTTLA_FUZZ_TARGET").unwrap_or_default();
    if name == "list" {
        for target in TARGETS {
            println!("{}\t{}", target.name, target.input_bytes_max);
        }
        std::process::exit(0);
    }
    let Some(target) = Target::named(&name) else {
        panic!("OTTLA_FUZZ_TARGET is '{name}', which is no target");
    };
    TARGET.get_or_init(|| target);
    if let Some(directory) = std::env::var_os("OTTLA_FUZZ_SEEDS") {
        corpus::write_seeds(target, Path::new(&directory)).expect("seeds can be written");
    }
}

fuzz_target!(
    init: set_up(),
    |input: &[u8]| {
        if let Some(target) = TARGET.get() {
            check(target, input);
        }
    }
);
