//! Broker settings about groups, their offsets, and transactions.

use crate::definition::{Definition, Kind};

/// As the `groups` crate names them.
const ASSIGNORS: &[&str] = &["uniform", "range"];
const POLICIES: &[&str] = &["disabled", "downgrade", "upgrade", "bidirectional"];

pub(crate) const BROKER_GROUPS: &[Definition] = &[
    Definition::broker("group.consumer.assignors", Kind::List, "uniform,range", "Assignors that the broker offers to consumer groups; the first is the default (KIP-848).")
        .one_of(ASSIGNORS)
        .acts(),
    Definition::broker("group.consumer.heartbeat.interval.ms", Kind::Int, "5000", "How often the members of a consumer group send a heartbeat. Default of the group setting `consumer.heartbeat.interval.ms`.")
        .at_least(1)
        .acts(),
    Definition::broker("group.consumer.max.heartbeat.interval.ms", Kind::Int, "15000", "The longest heartbeat interval of a consumer group.")
        .at_least(1)
        .acts(),
    Definition::broker("group.consumer.max.session.timeout.ms", Kind::Int, "60000", "The longest session timeout of a consumer group.")
        .at_least(1)
        .acts(),
    Definition::broker("group.consumer.max.size", Kind::Int, "2147483647", "The most members of a consumer group.")
        .at_least(1)
        .acts(),
    Definition::broker("group.consumer.migration.policy", Kind::String, "bidirectional", "Which way a group with members may change: to a consumer group when the first member on the consumer protocol comes (`upgrade`), back to a classic one when the last goes (`downgrade`), or both.")
        .one_of(POLICIES)
        .acts(),
    Definition::broker("group.consumer.min.heartbeat.interval.ms", Kind::Int, "5000", "The shortest heartbeat interval of a consumer group.")
        .at_least(1)
        .acts(),
    Definition::broker("group.consumer.min.session.timeout.ms", Kind::Int, "45000", "The shortest session timeout of a consumer group.")
        .at_least(1)
        .acts(),
    Definition::broker("group.consumer.regex.refresh.interval.ms", Kind::Int, "600000", "How often subscriptions by pattern are looked up anew, even if no topic has come or gone (KIP-848).")
        .at_least(10_000)
        .acts(),
    Definition::broker("group.consumer.session.timeout.ms", Kind::Int, "45000", "After how long without heartbeat a member of a consumer group is fenced. Default of the group setting `consumer.session.timeout.ms`.")
        .at_least(1)
        .acts(),
    Definition::broker("group.coordinator.append.linger.ms", Kind::Int, "5", "How long the group coordinator waits for more records to write together.")
        .at_least(0),
    Definition::broker("group.coordinator.threads", Kind::Int, "4", "Threads of the group coordinator.").at_least(1),
    Definition::broker("group.initial.rebalance.delay.ms", Kind::Int, "3000", "How long the first rebalance of an empty group waits for more members. 0 starts a single consumer at once.")
        .between(0, i32::MAX as i64)
        .acts(),
    Definition::broker("group.max.session.timeout.ms", Kind::Int, "1800000", "The longest session timeout that a member of a classic group may ask for.")
        .at_least(1)
        .acts(),
    Definition::broker("group.max.size", Kind::Int, "2147483647", "The most members of a classic group.")
        .at_least(1)
        .acts(),
    Definition::broker("group.min.session.timeout.ms", Kind::Int, "6000", "The shortest session timeout that a member of a classic group may ask for.")
        .at_least(1)
        .acts(),
    Definition::broker("group.share.delivery.count.limit", Kind::Int, "5", "Attempts to deliver a record of a share group before it is archived.")
        .between(2, 10),
    Definition::broker("group.share.max.size", Kind::Int, "200", "The most members of a share group.").between(10, 1000),
    Definition::broker("group.share.partition.max.record.locks", Kind::Int, "2000", "The most records in flight in one partition of a share group.")
        .between(100, 10_000),
    Definition::broker("offset.metadata.max.bytes", Kind::Int, "4096", "The longest text that a committed offset may carry.")
        .between(0, 1024 * 1024)
        .acts(),
    Definition::broker("offsets.commit.timeout.ms", Kind::Int, "5000", "How long a commit of offsets may take before it fails.")
        .at_least(1),
    Definition::broker("offsets.retention.check.interval.ms", Kind::Long, "600000", "The time between two looks for committed offsets that have expired.")
        .at_least(1)
        .acts(),
    Definition::broker("offsets.retention.minutes", Kind::Int, "10080", "How long offsets of a group without members are kept.")
        .at_least(1)
        .acts(),
    Definition::broker("offsets.topic.num.partitions", Kind::Int, "50", "Partitions of `__consumer_offsets`; read when that topic is made, and not to be changed afterwards.")
        .between(1, 1000)
        .acts(),
    Definition::broker("offsets.topic.replication.factor", Kind::Short, "1", "Replicas of `__consumer_offsets`. Kafka's default is 3.")
        .at_least(1),
    Definition::broker("offsets.topic.segment.bytes", Kind::Int, "4194304", "Segment size of `__consumer_offsets`. What is in the newest segment of a partition is not compacted yet, and is read again at a start. Kafka's default is 104857600.")
        .at_least(1)
        .acts(),
    Definition::broker("transaction.abort.timed.out.transaction.cleanup.interval.ms", Kind::Int, "10000", "The time between two looks for transactions to abort.")
        .at_least(1)
        .acts(),
    Definition::broker("transaction.max.timeout.ms", Kind::Int, "900000", "The longest transaction timeout that a producer may ask for.")
        .at_least(1)
        .acts(),
    Definition::broker("transaction.partition.verification.enable", Kind::Boolean, "true", "Whether the partition of a transactional batch, or the group of offsets, must have been added to the transaction (KIP-890). Newer clients leave the adding to the broker.")
        .acts(),
    Definition::broker("transaction.remove.expired.transaction.cleanup.interval.ms", Kind::Int, "3600000", "The time between two looks for transactional ids to forget.")
        .at_least(1)
        .acts(),
    Definition::broker("transaction.state.log.min.isr", Kind::Int, "1", "In-sync replicas that `__transaction_state` needs. Kafka's default is 2.")
        .at_least(1),
    Definition::broker("transaction.state.log.num.partitions", Kind::Int, "50", "Partitions of `__transaction_state`; read when that topic is made, and not to be changed afterwards.")
        .between(1, 1000)
        .acts(),
    Definition::broker("transaction.state.log.replication.factor", Kind::Short, "1", "Replicas of `__transaction_state`. Kafka's default is 3.")
        .at_least(1),
    Definition::broker("transactional.id.expiration.ms", Kind::Int, "604800000", "How long an unused transactional id is remembered.")
        .at_least(1)
        .acts(),
];
