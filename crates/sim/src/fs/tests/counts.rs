//! What happened can be told: faults, slow operations, losses, and the operations themselves.

use super::*;

#[test]
fn what_went_wrong_is_counted_by_its_kind() {
    let fs = disk(1);
    let file = fs.open(&at("a"), OpenMode::Write).unwrap();
    for kind in [
        Operation::Write,
        Operation::Force,
        Operation::Read,
        Operation::ForceDir,
        Operation::DropCache,
    ] {
        fs.fail_next(kind, "", Fault::Device, 1);
    }
    file.write_all_at(&[2; SECTOR], 0).unwrap_err();
    file.sync_data().unwrap_err();
    fs.read(&at("a")).unwrap_err();
    fs.sync_dir(Path::new("/data")).unwrap_err();
    file.drop_cache().unwrap_err();
    fs.fail_next(Operation::Write, "", Fault::NoSpace, 1);
    file.write_all_at(&[2; SECTOR], 0).unwrap_err();
    let counts = fs.fault_counts();
    let expected = FaultCounts {
        writes_failed: 1,
        without_space: 1,
        forces_failed: 1,
        reads_failed: 1,
        names_failed: 1,
        others_failed: 1,
        forces_lying: counts.forces_lying,
        slow: 0,
    };
    assert_eq!(counts, expected);
    assert_eq!(fs.faults(), 6);
}

#[test]
fn time_passes_during_a_slow_operation_and_only_then() {
    let clock = Arc::new(SimClock::default());
    let fs = SimFs::with_clock(1, clock.clone());
    let elapsed = || env::Clock::now(&*clock).0.as_millis();
    fs.slow_next(Operation::Force, "a", Duration::from_millis(700), 1);
    fs.slow_next(Operation::Read, "a", Duration::from_millis(40), 2);
    let file = fs.open(Path::new("/a"), OpenMode::CreateNew).unwrap();
    file.write_all_at(b"slow", 0).unwrap();
    assert_eq!(elapsed(), 0);
    file.sync_data().unwrap();
    file.sync_data().unwrap();
    assert_eq!(elapsed(), 700);
    for _ in 0..3 {
        file.read_at(&mut [0; 4], 0).unwrap();
    }
    assert_eq!(elapsed(), 780);
    assert_eq!((fs.fault_counts().slow, fs.faults()), (3, 0));
    fs.slow_next(Operation::Force, "a", Duration::from_secs(9), 1);
    fs.kill()
        .open(Path::new("/a"), OpenMode::Write)
        .unwrap()
        .sync_data()
        .unwrap();
    assert_eq!(
        elapsed(),
        780,
        "what was to come is forgotten with the process"
    );
}

#[test]
fn who_records_gets_the_operations_with_their_bytes() {
    let fs = disk(1);
    assert!(fs.take_recorded().is_empty(), "nobody has asked");
    fs.record();
    let file = fs.open(&at("a"), OpenMode::Write).unwrap();
    file.write_all_at(b"written", 3).unwrap();
    fs.fail_next(Operation::Write, "", Fault::Device, 1);
    file.write_all_at(b"failed", 90).unwrap_err();
    file.sync_data().unwrap();
    let recorded = fs.take_recorded();
    let (written, failed, forced) = (&recorded[0], &recorded[1], &recorded[2]);
    assert_eq!(
        (written.step.position, &written.bytes[..]),
        (3, &b"written"[..])
    );
    assert_eq!(
        (failed.step.is_ok, &failed.bytes[..]),
        (false, &b"failed"[..])
    );
    assert_eq!(forced.step.operation, Operation::Force);
    assert_eq!(Some(&forced.bytes), fs.durable_bytes(&at("a")).as_ref());
    assert_eq!(forced.bytes[3..10], *b"written");
    assert!(fs.take_recorded().is_empty(), "each is told once");
    fs.kill().sync_dir(Path::new("/")).unwrap();
    assert!(fs.take_recorded().is_empty());
}

#[test]
fn overtaking_writes_and_lost_renames_are_counted() {
    let mut total = Losses::default();
    for seed in 0..100 {
        let fs = disk(seed);
        let file = fs.open(&at("a"), OpenMode::Write).unwrap();
        file.write_all_at(&[2; SECTOR], 0).unwrap();
        file.write_all_at(&[3; SECTOR], SECTOR as u64).unwrap();
        fs.rename(&at("a"), &at("b")).unwrap();
        fs.open(&at("c"), OpenMode::CreateNew).unwrap();
        let found = fs.crash();
        let losses = found.losses();
        let is_renamed = found.exists(&at("b")).unwrap();
        let name = if is_renamed { at("b") } else { at("a") };
        let bytes = found.read(&name).unwrap();
        let is_overtaken = bytes[..SECTOR] == [1; SECTOR] && bytes[SECTOR..] == [3; SECTOR];
        assert_eq!(losses.sectors_reordered, u64::from(is_overtaken));
        assert_eq!(losses.renames_lost, u64::from(!is_renamed));
        total += losses;
    }
    assert!(
        total.sectors_reordered > 0 && total.renames_lost > 0,
        "{total}"
    );
    assert!(total.renames_lost < total.names_lost, "{total}");
}
