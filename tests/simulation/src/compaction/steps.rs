//! The power goes, the process is killed, a force fails, the disk gets full: at every operation of a
//! compaction in turn.

use sim::{Fault, Operation};

use super::actions::Action;
use super::world::World;

/// Fills log 1 so that a compaction of it writes several segments, and stops short of that.
fn filled(seed: u64) -> World {
    let mut world = World::new(seed).unwrap();
    for records in 0..20_u64 {
        let number = records.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let action = match records % 9 {
            7 => Action::Transact {
                log: 0,
                producer: 0,
                records: number,
            },
            8 => Action::EndTransaction {
                log: 0,
                producer: 0,
                is_commit: records % 2 == 0,
            },
            3 => Action::Produce {
                log: 0,
                producer: records,
                records: number,
            },
            _ => Action::Append {
                log: 0,
                records: number,
            },
        };
        world.step(action).unwrap();
        world.step(Action::Commit).unwrap();
    }
    world.settle();
    world.advance(7_000);
    world
}

/// How many operations it takes until all is compacted and the old files are gone.
fn operations() -> u64 {
    let mut world = filled(1);
    let before = world.handles.fs.operations();
    world.step(Action::CompactAll).unwrap();
    assert!(
        world.storage.metrics().compactions >= 3,
        "in several rounds"
    );
    world.handles.fs.operations() - before
}

#[test]
fn a_compaction_may_end_at_any_operation() {
    let operations = operations();
    assert!(operations > 100, "{operations} operations");
    for after in 1..=operations {
        for is_kill in [false, true] {
            let mut world = filled(1);
            world
                .step(match is_kill {
                    true => Action::KillAt { after },
                    false => Action::Crash { after },
                })
                .unwrap();
            let ends = world.step(Action::CompactAll).and_then(|()| world.finish());
            if let Err(error) = ends {
                panic!("operation {after}, killed: {is_kill}: {error}");
            }
        }
    }
}

#[test]
fn any_operation_of_a_compaction_may_fail() {
    let operations = operations();
    for after in 1..=operations {
        let mut world = filled(1);
        let fs = world.handles.fs.clone();
        fs.fail_at(fs.operations() + after, Fault::Device);
        world.is_faulty = true;
        let ends = world.step(Action::CompactAll).and_then(|()| world.finish());
        if let Err(error) = ends {
            panic!("operation {after}: {error}");
        }
    }
}

#[test]
fn a_compaction_goes_on_when_there_is_space_again() {
    for sectors in 0..14 {
        let mut world = filled(1);
        world.step(Action::Fill { sectors }).unwrap();
        world.step(Action::CompactAll).unwrap();
        let failures = world.storage.metrics().compaction_failures;
        assert!(failures > 0 || sectors > 4, "{sectors} sectors");
        world.step(Action::Empty).unwrap();
        world.advance(2_000);
        world.settle();
        world.is_full = false;
        if let Err(error) = world.step(Action::CompactAll).and_then(|()| world.finish()) {
            panic!("{sectors} sectors: {error}");
        }
    }
}

#[test]
fn a_segment_that_cannot_be_read_once_is_compacted_later() {
    let mut world = filled(1);
    let fs = world.handles.fs.clone();
    fs.fail_next(Operation::Read, ".log", Fault::Device, 2);
    world.is_faulty = true;
    world.step(Action::CompactAll).unwrap();
    assert!(world.storage.metrics().compaction_failures > 0);
    fs.heal();
    world.is_faulty = false;
    world
        .step(Action::CompactAll)
        .and_then(|()| world.finish())
        .unwrap();
}
