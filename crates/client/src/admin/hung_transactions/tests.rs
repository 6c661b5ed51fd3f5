use model::ErrorCode;

use super::*;
use crate::admin::Partition;

fn producer(producer_id: i64, transaction_start_offset: Option<i64>) -> ActiveProducer {
    ActiveProducer {
        producer_id,
        producer_epoch: 0,
        coordinator_epoch: None,
        last_sequence: Some(0),
        last_timestamp_ms: Some(1),
        transaction_start_offset,
    }
}

fn at(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

/// The id of a producer, and where its transaction begins.
type Open = (i64, Option<i64>);

/// Producers by partition.
fn active(partitions: &[(i32, &[Open])]) -> ActiveProducers {
    let partitions = partitions.iter().map(|(index, producers)| {
        let producers = producers.iter();
        let producers = producers.map(|(id, start)| producer(*id, *start));
        (at(*index), Ok(producers.collect()))
    });
    partitions.collect()
}

fn refused() -> Result<Vec<ActiveProducer>, Refusal> {
    Err(Refusal::of(ErrorCode::NotLeaderOrFollower))
}

#[test]
fn what_passes_is_kept_with_what_cannot_be_told() {
    let mut found = active(&[(0, &[(1, Some(5)), (2, None)]), (1, &[(3, None)])]);
    found.insert(at(2), refused());
    let open = only(found, |_, producer| {
        producer.transaction_start_offset.is_some()
    });
    let mut expected = active(&[(0, &[(1, Some(5))])]);
    expected.insert(at(2), refused());
    assert_eq!(open, expected);
}

#[test]
fn what_has_ended_meanwhile_does_not_hang() {
    let suspects = || active(&[(0, &[(1, Some(5)), (2, Some(7))])]);
    for (after, expected) in [
        (suspects(), suspects()),
        // One has ended, the other one goes on with its next transaction.
        (active(&[(0, &[(1, None), (2, Some(9))])]), active(&[])),
        // One is not remembered any more.
        (
            active(&[(0, &[(2, Some(7))])]),
            active(&[(0, &[(2, Some(7))])]),
        ),
        // Another one in the same place.
        (active(&[(0, &[(3, Some(5))])]), active(&[])),
    ] {
        assert_eq!(still_open(suspects(), &after), expected, "{after:?}");
    }
}

#[test]
fn what_cannot_be_told_any_more_is_no_longer_known_to_hang() {
    let mut suspects = active(&[(0, &[(1, Some(5))])]);
    suspects.insert(at(1), refused());
    let after = ActiveProducers::from([(at(0), refused())]);
    let expected = ActiveProducers::from([(at(0), refused()), (at(1), refused())]);
    assert_eq!(still_open(suspects, &after), expected);
}

/// What a partition of coordinators without a leader has is listed by nobody, and would be taken for hung.
#[test]
fn all_coordinators_must_be_there() {
    let topic = |leaders: &[Option<i32>]| {
        let partitions = leaders.iter().zip(0..);
        let partition = |(leader, index): (&Option<i32>, i32)| Partition {
            index,
            leader: *leader,
            leader_epoch: None,
            replicas: vec![0, 1],
            in_sync_replicas: vec![0, 1],
        };
        Topic {
            name: COORDINATORS_TOPIC.to_owned(),
            id: None,
            is_internal: true,
            partitions: partitions.map(partition).collect(),
        }
    };
    assert_eq!(are_all_led(Ok(topic(&[Some(0), Some(1)]))), Ok(()));
    let refused = Err(Refusal::of(ErrorCode::CoordinatorNotAvailable));
    assert_eq!(are_all_led(Ok(topic(&[Some(0), None]))), refused);
    let nobody = Refusal::of(ErrorCode::UnknownTopicOrPartition);
    assert_eq!(are_all_led(Err(nobody)), Ok(()));
    let other = Refusal::of(ErrorCode::TopicAuthorizationFailed);
    assert_eq!(are_all_led(Err(other.clone())), Err(other));
}
