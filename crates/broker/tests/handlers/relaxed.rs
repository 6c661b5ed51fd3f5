//! Relaxed topics: what is acknowledged is written, and a power cut may take back the last of it. Who
//! has read that is told by the leader epoch.

use std::sync::Arc;
use std::time::Duration;

use model::ErrorCode;
use sim::SimFs;
use wire::Text;
use wire::messages::fetch::FetchRequest;
use wire::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};

use crate::compacted::{create, set};
use crate::delete_records::{delete, topic};
use crate::support::{Fixture, assert_code, batch, fetch_request, idempotent_batch, values};
use crate::transactions::readers::producers;

#[tokio::test]
async fn what_a_power_cut_takes_is_a_suffix_and_readers_are_told() {
    let mut losses = 0;
    for seed in 0..30 {
        let disk = SimFs::new(seed);
        let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
        let relaxed = [("flush.messages", "1000000"), ("flush.ms", "100000000")];
        assert_code(create(&mut fixture, &relaxed).await, ErrorCode::None);
        let epoch = fixture.topic("t").await.partitions[0].leader_epoch;
        let names: Vec<String> = (0..20).map(|number| format!("value {number}")).collect();
        for name in &names {
            let produced = fixture.produce("t", batch(&[name])).await;
            assert_code(produced.error_code, ErrorCode::None);
        }
        let before = values(fixture.fetch("t", 0).await.records);
        assert_eq!(before.len(), 20, "what is written is shown");

        let mut fixture = fixture.crash_onto(Arc::new(disk.crash())).await;
        let fetched = fixture.fetch("t", 0).await;
        let end = fetched.high_watermark;
        let after = values(fetched.records);
        assert_eq!(after, before[..after.len()], "seed {seed}: the beginning");
        assert_eq!(after.len() as i64, end);

        // A reader that stood at the end asks where its epoch has ended.
        let partition = OffsetForLeaderPartition {
            partition: 0,
            current_leader_epoch: -1,
            leader_epoch: epoch,
        };
        let request = OffsetForLeaderEpochRequest {
            topics: vec![OffsetForLeaderTopic {
                topic: Text::from_static("t"),
                partitions: vec![partition],
            }],
            ..OffsetForLeaderEpochRequest::default()
        };
        fixture.produce("t", batch(&["another"])).await;
        let found = fixture.call(&request, 4).await;
        let found = &found.topics[0].partitions[0];
        assert_eq!((found.leader_epoch, found.end_offset), (epoch, end));
        if end < 20 {
            losses += 1;
            // Or it fetches on, and is sent back to there.
            let mut request: FetchRequest = fetch_request("t", 20);
            request.topics[0].partitions[0].last_fetched_epoch = epoch;
            let fetched = fixture.call(&request, 12).await;
            let partition = &fetched.responses[0].partitions[0];
            let told = &partition.diverging_epoch;
            assert_eq!((told.epoch, told.end_offset), (epoch, end), "seed {seed}");
        }
    }
    assert!(losses > 0, "a relaxed topic promises less");
}

#[tokio::test]
async fn a_topic_that_becomes_strict_is_forced_at_once() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk.clone())).await;
    create(&mut fixture, &[("flush.messages", "1000000")]).await;
    for _ in 0..20 {
        fixture.produce("t", batch(&["value"])).await;
    }
    set(&mut fixture, &[("flush.messages", "1")]).await;
    let mut fixture = fixture.crash_onto(Arc::new(disk.crash())).await;
    assert_eq!(fixture.fetch("t", 0).await.high_watermark, 20);
}

/// What such answers rest on nobody forces for a long time; the clock stands still, so it is not waited for either.
#[tokio::test]
async fn answers_that_rest_on_all_there_is_have_it_forced() {
    let disk = SimFs::new(1);
    let mut fixture = Fixture::on_files(&[], Arc::new(disk)).await;
    let relaxed = [("flush.messages", "1000000"), ("flush.ms", "100000000")];
    create(&mut fixture, &relaxed).await;
    for (number, rests_on_all) in (0..).zip([Answer::Refused, Answer::Producers, Answer::Start]) {
        let new = idempotent_batch(5, 0, number, &["a"]);
        assert_code(fixture.produce("t", new).await.error_code, ErrorCode::None);
        let code = tokio::time::timeout(HANGS_AFTER, rests_on_all.code(&mut fixture));
        let expected = match rests_on_all {
            Answer::Refused => ErrorCode::OutOfOrderSequenceNumber,
            Answer::Producers | Answer::Start => ErrorCode::None,
        };
        assert_code(code.await.expect("it hangs"), expected);
    }
}

/// Nothing is measured by it; a test that fails is better than one that hangs.
const HANGS_AFTER: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
enum Answer {
    /// A batch that does not follow the one before.
    Refused,
    /// Who produces.
    Producers,
    /// The start of the log, which stays where it is.
    Start,
}

impl Answer {
    async fn code(self, fixture: &mut Fixture) -> i16 {
        match self {
            Self::Refused => {
                let gap = idempotent_batch(5, 0, 70, &["b"]);
                fixture.produce("t", gap).await.error_code
            }
            Self::Producers => producers(fixture, &[0]).await[0].error_code,
            Self::Start => {
                let deleted = delete(fixture, vec![topic("t", &[(0, 0)])]).await;
                deleted[0].error_code
            }
        }
    }
}
