//! Broker settings about the broker itself, its connections and its topics.

use crate::definition::{Definition, Kind};
use crate::defs::TOPIC_PARTITIONS_MAX;

pub(crate) const BROKER: &[Definition] = &[
    Definition::broker("auto.create.topics.enable", Kind::Boolean, "true", "Whether a Metadata request that asks for it creates missing topics.")
        .acts(),
    Definition::broker("background.threads", Kind::Int, "10", "Threads for work in the background.").at_least(1),
    Definition::broker("connection.failed.authentication.delay.ms", Kind::Int, "100", "How long the answer to a failed login is held back.")
        .at_least(0),
    Definition::broker("connections.max.idle.ms", Kind::Long, "600000", "How long a connection may send nothing before it is closed.")
        .between(1, i64::MAX)
        .acts(),
    Definition::broker("connections.max.reauth.ms", Kind::Long, "0", "How long a login is good for before the client must repeat it; 0 is for ever (KIP-368).")
        .at_least(0),
    Definition::broker("default.replication.factor", Kind::Int, "1", "Replicas of a topic that does not say; there is one broker.")
        .at_least(1),
    Definition::broker("delete.topic.enable", Kind::Boolean, "true", "Whether topics can be deleted.").acts(),
    Definition::broker("fetch.max.bytes", Kind::Int, "57671680", "The most bytes of records in one Fetch answer; a first batch larger than this is sent all the same.")
        .at_least(1024)
        .acts(),
    Definition::broker("follower.replication.throttled.rate", Kind::Long, "9223372036854775807", "Bytes per second of throttled replicas on the follower.")
        .at_least(0),
    Definition::broker("leader.replication.throttled.rate", Kind::Long, "9223372036854775807", "Bytes per second of throttled replicas on the leader.")
        .at_least(0),
    Definition::broker("max.connection.creation.rate", Kind::Int, "2147483647", "New connections per second.").at_least(0),
    Definition::broker("max.connections", Kind::Int, "2147483647", "The most connections at a time; the next one is closed at once.")
        .at_least(0)
        .acts(),
    Definition::broker("max.connections.per.ip", Kind::Int, "2147483647", "The most connections of one address at a time.")
        .at_least(0)
        .acts(),
    Definition::broker("max.connections.per.ip.overrides", Kind::String, "", "Exceptions to `max.connections.per.ip`."),
    Definition::broker("max.incremental.fetch.session.cache.slots", Kind::Int, "1000", "The most fetch sessions kept (KIP-227).")
        .at_least(0),
    Definition::broker("node.id", Kind::Int, "0", "The number of this broker.").at_least(0).acts(),
    Definition::broker("num.io.threads", Kind::Int, "8", "Threads that work on requests.").at_least(1),
    Definition::broker("num.network.threads", Kind::Int, "3", "Threads that read and write connections.").at_least(1),
    Definition::broker("num.partitions", Kind::Int, "1", "Partitions of a topic that does not say.")
        .between(1, TOPIC_PARTITIONS_MAX as i64)
        .acts(),
    Definition::broker("num.recovery.threads.per.data.dir", Kind::Int, "2", "Threads that check logs at the start.").at_least(1),
    Definition::broker("num.replica.fetchers", Kind::Int, "1", "Threads that copy from other brokers.").at_least(1),
    Definition::broker("queued.max.requests", Kind::Int, "500", "Requests that may wait for a thread.").at_least(1),
    Definition::broker("replica.lag.time.max.ms", Kind::Long, "30000", "How far a replica may fall behind and still be in sync.")
        .at_least(1),
    Definition::broker("socket.request.max.bytes", Kind::Int, "104857600", "The largest request; a connection that announces a larger one is closed.")
        .at_least(1)
        .acts(),
    Definition::broker("socket.send.buffer.bytes", Kind::Int, "262144", "How much a connection hands to the system before its client has taken it; more helps clients that are far away. -1: what the system thinks right.")
        .at_least(-1)
        .acts(),
];
