//! How rounds and slots of the write-ahead log go to the disk.

use env::Step;
use model::LogId;
use sim::Operation;
use storage::LogConfig;

use crate::harness::{LOG, append, batch, open_with, with_slots_of};

/// Whoever only wants a small round written does not wait for the disk; a large one would cost more in fresh pages.
#[test]
fn only_small_relaxed_rounds_go_through_the_page_cache() {
    let (env, handles) = sim::env(1);
    let engine = open_with(&env, with_slots_of(1 << 20), 2, &LogConfig::default()).unwrap();
    let relaxed = LogConfig {
        flush_messages: i64::MAX,
        flush_ms: 500,
        ..LogConfig::default()
    };
    engine.log(LOG).set_config(relaxed);
    let is_direct = |log: u32, bytes: usize| {
        append(&engine.log(LogId(log)), batch(&vec![1; bytes], 1)).unwrap();
        assert_eq!(engine.storage.commit_step(), Step::Worked);
        let trace = handles.fs.trace();
        let mut writes = trace
            .iter()
            .rev()
            .filter(|step| step.operation == Operation::Write);
        writes.next().unwrap().is_direct
    };
    assert!(!is_direct(1, 60_000), "small and relaxed");
    assert!(is_direct(1, 70_000), "large");
    assert!(is_direct(2, 100), "strict");
}

/// A round that is to be forced meanwhile waits for a piece. In large pages, which the page cache would take for it, small
/// rounds are dear.
#[test]
fn a_slot_is_made_in_pieces_past_the_page_cache() {
    let (env, handles) = sim::env(1);
    drop(open_with(&env, with_slots_of(14 << 20), 1, &LogConfig::default()).unwrap());
    let (mut unforced_bytes, mut written_bytes) = (0, 0);
    for step in handles.fs.trace() {
        match step.operation {
            _ if !step.path.ends_with("slot-00") => {}
            Operation::Write => {
                assert!(step.is_direct);
                unforced_bytes += step.bytes;
                written_bytes += step.bytes;
            }
            Operation::Force => unforced_bytes = 0,
            _ => {}
        }
        assert!(unforced_bytes <= 4 << 20);
    }
    assert!(written_bytes >= 14 << 20);
    assert_eq!(unforced_bytes, 0);
}

/// Before it is read, so that only what is on the disk is found, and after it, as it was read in large pages.
#[test]
fn a_start_drops_slots_from_the_page_cache_twice() {
    let (env, handles) = sim::env(1);
    let open = || open_with(&env, with_slots_of(1 << 20), 1, &LogConfig::default()).unwrap();
    drop(open());
    let drops = || {
        let is_drop = |step: &&sim::Step| {
            step.operation == Operation::DropCache && step.path.ends_with("slot-00")
        };
        handles.fs.trace().iter().filter(is_drop).count()
    };
    assert_eq!(drops(), 0, "a slot that has just been made is not read");
    drop(open());
    assert_eq!(drops(), 2);
}
