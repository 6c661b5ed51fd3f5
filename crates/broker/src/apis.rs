//! The one table of what is served.
//!
//! ApiVersions, dispatch, metric labels, `docs/COMPATIBILITY.md` and the tests that drive every API
//! in every version follow from it. To add an API, write its handler file and a row here.

use std::ops::RangeInclusive;

use wire::Decoder;
use wire::apis::ApiKey;

use crate::dispatch::{Call, DecodeError, Reply, at_once, serial, staged};
use crate::handlers;

/// When the next request of a connection is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ordering {
    /// After the answer to this one has been sent.
    Serial,
    /// The same; and what it waits for may never come (records, other members of a group), so the
    /// wait ends with the connection and with the broker.
    Parked,
    /// As soon as the ordered part of this one is done (a produce request's offsets are assigned);
    /// the answers leave in the order of the requests all the same.
    Pipelined,
}

/// What is known about one API.
pub(crate) struct Api {
    /// Its key.
    pub(crate) key: ApiKey,
    /// The versions that are answered.
    pub(crate) versions: RangeInclusive<i16>,
    /// The lowest version that ApiVersions names; differs from `versions` for Produce alone.
    pub(crate) advertised_from: i16,
    /// When the next request is taken up.
    pub(crate) ordering: Ordering,
    /// What is not done, or done in our own way, in one line for `docs/COMPATIBILITY.md`.
    pub(crate) notes: &'static str,
    /// Decodes the body and begins to answer.
    pub(crate) begin: fn(Call, Decoder) -> Result<Reply, DecodeError>,
}

/// Every API that is served, by key.
pub(crate) static APIS: &[Api] = &[
    Api {
        key: ApiKey::Produce,
        versions: 3..=13,
        advertised_from: 0,
        ordering: Ordering::Pipelined,
        notes: "versions 0 to 2 are named for old librdkafka and close the connection; \
                the records of a compressed batch are counted only where the topic is compacted or has \
                another codec of its own",
        begin: |call, body| staged(call, body, handlers::produce::handle),
    },
    Api {
        key: ApiKey::Fetch,
        versions: 4..=18,
        advertised_from: 4,
        ordering: Ordering::Parked,
        notes: "no fetch sessions: every answer has session id 0 and every request is a full one",
        begin: |call, body| serial(call, body, handlers::fetch::handle),
    },
    Api {
        key: ApiKey::ListOffsets,
        versions: 1..=11,
        advertised_from: 1,
        ordering: Ordering::Serial,
        notes: "no tiered storage: -4 is the log start, -5 and -6 are -1",
        begin: |call, body| serial(call, body, handlers::list_offsets::handle),
    },
    Api {
        key: ApiKey::Metadata,
        versions: 0..=13,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "a topic that is created by this request is in its answer",
        begin: |call, body| serial(call, body, handlers::metadata::handle),
    },
    Api {
        key: ApiKey::OffsetCommit,
        versions: 2..=10,
        advertised_from: 2,
        ordering: Ordering::Serial,
        notes: "a generation or epoch of a group that does not exist is ILLEGAL_GENERATION in every version",
        begin: |call, body| serial(call, body, handlers::offset_commit::handle),
    },
    Api {
        key: ApiKey::OffsetFetch,
        versions: 1..=10,
        advertised_from: 1,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::offset_fetch::handle),
    },
    Api {
        key: ApiKey::FindCoordinator,
        versions: 0..=6,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "groups and transactions; share partitions get INVALID_REQUEST",
        begin: |call, body| serial(call, body, handlers::find_coordinator::handle),
    },
    Api {
        key: ApiKey::JoinGroup,
        versions: 0..=9,
        advertised_from: 0,
        ordering: Ordering::Parked,
        notes: "a refused join leaves no empty group behind; a static member that misses a rebalance \
                stays until its session ends",
        begin: |call, body| serial(call, body, handlers::join_group::handle),
    },
    Api {
        key: ApiKey::Heartbeat,
        versions: 0..=4,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::heartbeat::handle),
    },
    Api {
        key: ApiKey::LeaveGroup,
        versions: 0..=5,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::leave_group::handle),
    },
    Api {
        key: ApiKey::SyncGroup,
        versions: 0..=5,
        advertised_from: 0,
        ordering: Ordering::Parked,
        notes: "",
        begin: |call, body| serial(call, body, handlers::sync_group::handle),
    },
    Api {
        key: ApiKey::DescribeGroups,
        versions: 0..=6,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::describe_groups::handle),
    },
    Api {
        key: ApiKey::ListGroups,
        versions: 0..=5,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::list_groups::handle),
    },
    Api {
        key: ApiKey::ApiVersions,
        versions: 0..=4,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "the features are group.version, at 1, and transaction.version, at 2",
        begin: |call, body| at_once(call, body, handlers::api_versions::handle),
    },
    Api {
        key: ApiKey::CreateTopics,
        versions: 2..=7,
        advertised_from: 2,
        ordering: Ordering::Serial,
        notes: "replication factor 1 only, else INVALID_REPLICATION_FACTOR; a setting whose \
                behaviour does not exist gets INVALID_CONFIG",
        begin: |call, body| serial(call, body, handlers::create_topics::handle),
    },
    Api {
        key: ApiKey::DeleteTopics,
        versions: 1..=6,
        advertised_from: 1,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::delete_topics::handle),
    },
    Api {
        key: ApiKey::DeleteRecords,
        versions: 0..=2,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::delete_records::handle),
    },
    Api {
        key: ApiKey::InitProducerId,
        versions: 0..=5,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "a producer that goes on (KIP-360) in an older epoch is PRODUCER_FENCED also while a \
                transaction is under way",
        begin: |call, body| serial(call, body, handlers::init_producer_id::handle),
    },
    Api {
        key: ApiKey::OffsetForLeaderEpoch,
        versions: 2..=4,
        advertised_from: 2,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::offset_for_leader_epoch::handle),
    },
    Api {
        key: ApiKey::AddPartitionsToTxn,
        versions: 0..=5,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::add_partitions_to_txn::handle),
    },
    Api {
        key: ApiKey::AddOffsetsToTxn,
        versions: 0..=4,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::add_offsets_to_txn::handle),
    },
    Api {
        key: ApiKey::EndTxn,
        versions: 0..=5,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::end_txn::handle),
    },
    Api {
        key: ApiKey::WriteTxnMarkers,
        versions: 1..=1,
        advertised_from: 1,
        ordering: Ordering::Serial,
        notes: "a coordinator epoch that no coordinator has had gets INVALID_REQUEST",
        begin: |call, body| serial(call, body, handlers::write_txn_markers::handle),
    },
    Api {
        key: ApiKey::TxnOffsetCommit,
        versions: 0..=5,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::txn_offset_commit::handle),
    },
    Api {
        key: ApiKey::DescribeConfigs,
        versions: 1..=4,
        advertised_from: 1,
        ordering: Ordering::Serial,
        notes: "topics, this broker, groups; other resources get INVALID_REQUEST",
        begin: |call, body| at_once(call, body, handlers::describe_configs::handle),
    },
    Api {
        key: ApiKey::AlterConfigs,
        versions: 0..=2,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "topics, this broker, groups; other resources get INVALID_REQUEST, and a setting whose \
                behaviour does not exist INVALID_CONFIG",
        begin: |call, body| serial(call, body, handlers::alter_configs::handle),
    },
    Api {
        key: ApiKey::AlterReplicaLogDirs,
        versions: 1..=2,
        advertised_from: 1,
        ordering: Ordering::Serial,
        notes: "one directory: any other is LOG_DIR_NOT_FOUND, and nothing is ever moved; topics with \
                names of 214 characters and more are like any others",
        begin: |call, body| at_once(call, body, handlers::alter_replica_log_dirs::handle),
    },
    Api {
        key: ApiKey::DescribeLogDirs,
        versions: 1..=5,
        advertised_from: 1,
        ordering: Ordering::Serial,
        notes: "one directory, the data directory",
        begin: |call, body| serial(call, body, handlers::describe_log_dirs::handle),
    },
    Api {
        key: ApiKey::CreatePartitions,
        versions: 0..=3,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::create_partitions::handle),
    },
    Api {
        key: ApiKey::DeleteGroups,
        versions: 0..=2,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::delete_groups::handle),
    },
    Api {
        key: ApiKey::ElectLeaders,
        versions: 0..=2,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "one broker leads everything: ELECTION_NOT_NEEDED",
        begin: |call, body| at_once(call, body, handlers::elect_leaders::handle),
    },
    Api {
        key: ApiKey::IncrementalAlterConfigs,
        versions: 0..=1,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "topics, this broker, groups; other resources get INVALID_REQUEST, and a setting whose \
                behaviour does not exist INVALID_CONFIG",
        begin: |call, body| serial(call, body, handlers::incremental_alter_configs::handle),
    },
    Api {
        key: ApiKey::AlterPartitionReassignments,
        versions: 0..=1,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "one broker: other replicas get INVALID_REPLICA_ASSIGNMENT, and a move that is to stop \
                NO_REASSIGNMENT_IN_PROGRESS",
        begin: |call, body| at_once(call, body, handlers::alter_partition_reassignments::handle),
    },
    Api {
        key: ApiKey::ListPartitionReassignments,
        versions: 0..=0,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "nothing is ever moved: always empty",
        begin: |call, body| at_once(call, body, handlers::list_partition_reassignments::handle),
    },
    Api {
        key: ApiKey::OffsetDelete,
        versions: 0..=0,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::offset_delete::handle),
    },
    Api {
        key: ApiKey::DescribeClientQuotas,
        versions: 0..=1,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "there are no quotas of addresses: none are found",
        begin: |call, body| at_once(call, body, handlers::describe_client_quotas::handle),
    },
    Api {
        key: ApiKey::AlterClientQuotas,
        versions: 0..=1,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "there are no quotas of addresses: INVALID_REQUEST",
        begin: |call, body| serial(call, body, handlers::alter_client_quotas::handle),
    },
    Api {
        key: ApiKey::DescribeQuorum,
        versions: 0..=2,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "one voter, this node, under the address that clients use; no directory ids",
        begin: |call, body| at_once(call, body, handlers::describe_quorum::handle),
    },
    Api {
        key: ApiKey::DescribeCluster,
        versions: 0..=2,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| at_once(call, body, handlers::describe_cluster::handle),
    },
    Api {
        key: ApiKey::DescribeProducers,
        versions: 0..=0,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "the last timestamp is when the broker took the batch, or read it again at a start",
        begin: |call, body| serial(call, body, handlers::describe_producers::handle),
    },
    Api {
        key: ApiKey::DescribeTransactions,
        versions: 0..=0,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "while a transaction ends, its partitions are those that have no marker yet",
        begin: |call, body| serial(call, body, handlers::describe_transactions::handle),
    },
    Api {
        key: ApiKey::ListTransactions,
        versions: 0..=2,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::list_transactions::handle),
    },
    Api {
        key: ApiKey::ConsumerGroupHeartbeat,
        versions: 0..=1,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "a group that does not exist is UNKNOWN_MEMBER_ID; a static member may join again under its own \
                member id without having left; patterns leave out internal topics",
        begin: |call, body| serial(call, body, handlers::consumer_group_heartbeat::handle),
    },
    Api {
        key: ApiKey::ConsumerGroupDescribe,
        versions: 0..=1,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| serial(call, body, handlers::consumer_group_describe::handle),
    },
    Api {
        key: ApiKey::ListConfigResources,
        versions: 0..=1,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "client metrics and loggers are never listed",
        begin: |call, body| at_once(call, body, handlers::list_config_resources::handle),
    },
    Api {
        key: ApiKey::DescribeTopicPartitions,
        versions: 0..=0,
        advertised_from: 0,
        ordering: Ordering::Serial,
        notes: "",
        begin: |call, body| at_once(call, body, handlers::describe_topic_partitions::handle),
    },
];

/// The position of an API in [`APIS`], if it is served.
pub(crate) fn position(api_key: i16) -> Option<usize> {
    APIS.iter().position(|api| api.key.key() == api_key)
}
