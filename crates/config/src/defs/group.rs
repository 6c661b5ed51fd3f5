//! Group settings. Share and streams groups do not exist here.

use crate::definition::{Definition, Kind};

const ISOLATION_LEVELS: &[&str] = &["read_uncommitted", "read_committed"];

pub(crate) const GROUP: &[Definition] = &[
    Definition::group(
        "consumer.heartbeat.interval.ms",
        Kind::Int,
        "5000",
        "How often the members of a consumer group send a heartbeat (KIP-848); within `group.consumer.min.heartbeat.interval.ms` and `group.consumer.max.heartbeat.interval.ms`.",
    )
    .at_least(1)
    .acts(),
    Definition::group(
        "consumer.session.timeout.ms",
        Kind::Int,
        "45000",
        "After how long without heartbeat a member of a consumer group is fenced (KIP-848); within `group.consumer.min.session.timeout.ms` and `group.consumer.max.session.timeout.ms`.",
    )
    .at_least(1)
    .acts(),
    Definition::group(
        "share.auto.offset.reset",
        Kind::String,
        "latest",
        "Where a new share group begins.",
    ),
    Definition::group(
        "share.delivery.count.limit",
        Kind::Int,
        "5",
        "Attempts before a record is archived.",
    )
    .between(2, 10),
    Definition::group(
        "share.heartbeat.interval.ms",
        Kind::Int,
        "5000",
        "The heartbeat period of a share group's members.",
    )
    .between(5000, 15_000),
    Definition::group(
        "share.isolation.level",
        Kind::String,
        "read_uncommitted",
        "What a share group sees of transactions.",
    )
    .one_of(ISOLATION_LEVELS),
    Definition::group(
        "share.partition.max.record.locks",
        Kind::Int,
        "2000",
        "Records in flight in one partition.",
    )
    .between(100, 4000),
    Definition::group(
        "share.record.lock.duration.ms",
        Kind::Int,
        "30000",
        "How long a member holds a record.",
    )
    .between(15_000, 60_000),
    Definition::group(
        "share.session.timeout.ms",
        Kind::Int,
        "45000",
        "After how long without heartbeat a member is dropped.",
    )
    .between(45_000, 60_000),
    Definition::group(
        "streams.heartbeat.interval.ms",
        Kind::Int,
        "5000",
        "The heartbeat period of a streams group's members (KIP-1071).",
    )
    .between(5000, 15_000),
    Definition::group(
        "streams.num.standby.replicas",
        Kind::Int,
        "0",
        "Standby tasks of a streams group.",
    )
    .between(0, 2),
    Definition::group(
        "streams.session.timeout.ms",
        Kind::Int,
        "45000",
        "After how long without heartbeat a member is dropped.",
    )
    .between(45_000, 60_000),
];
