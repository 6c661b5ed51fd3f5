use super::*;

const MS: Duration = Duration::from_millis(1);

/// Partition, time of sending and times of the records of the first batches, in ms.
fn first(schedule: Schedule, count: u64) -> Vec<(usize, u128, Vec<u128>)> {
    let batches = (0..count).map(|number| schedule.batch(number));
    batches
        .map(|batch| {
            let records = schedule.records_after(&batch);
            let records = records.map(|after| after.as_millis()).collect();
            (batch.lane, batch.after.as_millis(), records)
        })
        .collect()
}

#[test]
fn without_linger_each_record_is_sent_when_it_is_due() {
    let schedule = Schedule::new(1000, Duration::ZERO, 100, 2, false);
    assert_eq!(
        first(schedule, 3),
        [(0, 0, vec![0]), (1, 1, vec![1]), (0, 2, vec![2])]
    );
}

#[test]
fn a_batch_is_sent_when_it_is_full_or_its_first_record_has_lingered() {
    let full = Schedule::new(1000, 5 * MS, 3, 2, false);
    assert_eq!(
        first(full, 3),
        [
            (0, 2, vec![0, 1, 2]),
            (1, 5, vec![3, 4, 5]),
            (0, 8, vec![6, 7, 8])
        ]
    );
    let lingering = Schedule::new(400, 5 * MS, 100, 2, false);
    assert_eq!(lingering.batch_records(), 3);
    assert_eq!(
        first(lingering, 2),
        [(0, 5, vec![0, 2, 5]), (1, 12, vec![7, 10, 12])]
    );
}

#[test]
fn with_keys_each_partition_gathers_its_own() {
    let schedule = Schedule::new(1000, 4 * MS, 100, 2, true);
    assert_eq!(
        first(schedule, 3),
        [
            (0, 4, vec![0, 2, 4]),
            (1, 5, vec![1, 3, 5]),
            (0, 10, vec![6, 8, 10])
        ]
    );
}

#[test]
fn every_record_is_in_one_batch_and_batches_are_due_in_order() {
    for has_keys in [false, true] {
        for (rate, linger, batch_records_max, lanes) in [
            (7, 0, 1, 1),
            (1_000, 0, 10, 3),
            (3_333, 7, 1_000, 5),
            (1_000_000, 3, 40, 16),
        ] {
            let schedule = Schedule::new(rate, linger * MS, batch_records_max, lanes, has_keys);
            let rounds = 20;
            let batches = rounds * lanes as u64;
            let end = batches * schedule.batch_records();
            let mut seen = vec![0; end as usize];
            let mut before = Duration::ZERO;
            for number in 0..batches {
                let batch = schedule.batch(number);
                assert!(batch.after >= before, "{schedule:?} {batch:?}");
                before = batch.after;
                for index in 0..batch.count {
                    seen[(batch.first + batch.stride * index) as usize] += 1;
                }
                for due in schedule.records_after(&batch) {
                    assert!(due <= batch.after, "sent before it was due");
                    assert!(batch.after - due <= linger * MS, "{schedule:?} {batch:?}");
                }
            }
            assert!(seen.iter().all(|times| *times == 1), "{schedule:?}");
        }
    }
}

#[test]
fn times_do_not_drift() {
    let schedule = Schedule::new(3, Duration::ZERO, 1, 1, false);
    assert_eq!(
        schedule.batch(3_000_000).after,
        Duration::from_secs(1_000_000)
    );
}

#[test]
fn what_is_beyond_the_last_record_is_cut_off() {
    for has_keys in [false, true] {
        let schedule = Schedule::new(1000, 3 * MS, 4, 2, has_keys);
        let batches = (0..10).map_while(|number| Some(schedule.batch(number)));
        let counts: u64 = batches
            .filter_map(|batch| batch.before(10))
            .map(|batch| batch.count)
            .sum();
        assert_eq!(counts, 10);
    }
}

#[test]
fn a_connection_has_its_turns_without_going_through_those_of_the_others() {
    for lane_count in 1..=5_usize {
        let schedule = Schedule::new(1000, Duration::ZERO, 1, lane_count, false);
        // Whichever lanes the broker leads.
        for led in 1..1_u32 << lane_count {
            let lanes: Vec<usize> = (0..lane_count)
                .filter(|lane| led >> lane & 1 == 1)
                .collect();
            for connections in 1..=7 {
                let mut sent = 0;
                for index in 0..connections {
                    let walked: Vec<Batch> = (0..100)
                        .map(|number| schedule.batch(number))
                        .filter(|batch| lanes.contains(&batch.lane))
                        .filter(|batch| {
                            (batch.lane as u64 + batch.round) % connections as u64 == index as u64
                        })
                        .collect();
                    let turns = Turns::new(&lanes, index, connections);
                    let batch = |turn: usize| {
                        let (place, round) = turns.at(turn as u64);
                        schedule.batch_of(lanes[place], round)
                    };
                    let direct: Vec<Batch> = (0..walked.len()).map(batch).collect();
                    assert_eq!(direct, walked, "{index} of {connections} for {lanes:?}");
                    sent += walked.len();
                }
                let all = (0..100).map(|number| schedule.batch(number).lane);
                assert_eq!(sent, all.filter(|lane| lanes.contains(lane)).count());
            }
        }
    }
}
