//! The messages, a module per API.
//!
//! Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

pub mod add_offsets_to_txn;
pub mod add_partitions_to_txn;
pub mod alter_client_quotas;
pub mod alter_configs;
pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod api_versions;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_client_quotas;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_quorum;
pub mod describe_topic_partitions;
pub mod describe_transactions;
pub mod elect_leaders;
pub mod end_txn;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod list_transactions;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod sync_group;
pub mod txn_offset_commit;
pub mod write_txn_markers;

/// Hands a line for every API to a macro: name, key, versions, first flexible
/// version, module, request, response.
#[macro_export]
macro_rules! for_each_api { ($with:ident) => { $with! {
Produce = 0, 3..=13, 9, produce, ProduceRequest, ProduceResponse;
Fetch = 1, 4..=18, 12, fetch, FetchRequest, FetchResponse;
ListOffsets = 2, 1..=11, 6, list_offsets, ListOffsetsRequest, ListOffsetsResponse;
Metadata = 3, 0..=13, 9, metadata, MetadataRequest, MetadataResponse;
OffsetCommit = 8, 2..=10, 8, offset_commit, OffsetCommitRequest, OffsetCommitResponse;
OffsetFetch = 9, 1..=10, 6, offset_fetch, OffsetFetchRequest, OffsetFetchResponse;
FindCoordinator = 10, 0..=6, 3, find_coordinator, FindCoordinatorRequest, FindCoordinatorResponse;
JoinGroup = 11, 0..=9, 6, join_group, JoinGroupRequest, JoinGroupResponse;
Heartbeat = 12, 0..=4, 4, heartbeat, HeartbeatRequest, HeartbeatResponse;
LeaveGroup = 13, 0..=5, 4, leave_group, LeaveGroupRequest, LeaveGroupResponse;
SyncGroup = 14, 0..=5, 4, sync_group, SyncGroupRequest, SyncGroupResponse;
DescribeGroups = 15, 0..=6, 5, describe_groups, DescribeGroupsRequest, DescribeGroupsResponse;
ListGroups = 16, 0..=5, 3, list_groups, ListGroupsRequest, ListGroupsResponse;
ApiVersions = 18, 0..=4, 3, api_versions, ApiVersionsRequest, ApiVersionsResponse;
CreateTopics = 19, 2..=7, 5, create_topics, CreateTopicsRequest, CreateTopicsResponse;
DeleteTopics = 20, 1..=6, 4, delete_topics, DeleteTopicsRequest, DeleteTopicsResponse;
DeleteRecords = 21, 0..=2, 2, delete_records, DeleteRecordsRequest, DeleteRecordsResponse;
InitProducerId = 22, 0..=5, 2, init_producer_id, InitProducerIdRequest, InitProducerIdResponse;
OffsetForLeaderEpoch = 23, 2..=4, 4, offset_for_leader_epoch, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse;
AddPartitionsToTxn = 24, 0..=5, 3, add_partitions_to_txn, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse;
AddOffsetsToTxn = 25, 0..=4, 3, add_offsets_to_txn, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse;
EndTxn = 26, 0..=5, 3, end_txn, EndTxnRequest, EndTxnResponse;
WriteTxnMarkers = 27, 1..=1, 1, write_txn_markers, WriteTxnMarkersRequest, WriteTxnMarkersResponse;
TxnOffsetCommit = 28, 0..=5, 3, txn_offset_commit, TxnOffsetCommitRequest, TxnOffsetCommitResponse;
DescribeConfigs = 32, 1..=4, 4, describe_configs, DescribeConfigsRequest, DescribeConfigsResponse;
AlterConfigs = 33, 0..=2, 2, alter_configs, AlterConfigsRequest, AlterConfigsResponse;
AlterReplicaLogDirs = 34, 1..=2, 2, alter_replica_log_dirs, AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse;
DescribeLogDirs = 35, 1..=5, 2, describe_log_dirs, DescribeLogDirsRequest, DescribeLogDirsResponse;
CreatePartitions = 37, 0..=3, 2, create_partitions, CreatePartitionsRequest, CreatePartitionsResponse;
DeleteGroups = 42, 0..=2, 2, delete_groups, DeleteGroupsRequest, DeleteGroupsResponse;
ElectLeaders = 43, 0..=2, 2, elect_leaders, ElectLeadersRequest, ElectLeadersResponse;
IncrementalAlterConfigs = 44, 0..=1, 1, incremental_alter_configs, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse;
AlterPartitionReassignments = 45, 0..=1, 0, alter_partition_reassignments, AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse;
ListPartitionReassignments = 46, 0..=0, 0, list_partition_reassignments, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse;
OffsetDelete = 47, 0..=0, i16::MAX, offset_delete, OffsetDeleteRequest, OffsetDeleteResponse;
DescribeClientQuotas = 48, 0..=1, 1, describe_client_quotas, DescribeClientQuotasRequest, DescribeClientQuotasResponse;
AlterClientQuotas = 49, 0..=1, 1, alter_client_quotas, AlterClientQuotasRequest, AlterClientQuotasResponse;
DescribeQuorum = 55, 0..=2, 0, describe_quorum, DescribeQuorumRequest, DescribeQuorumResponse;
DescribeCluster = 60, 0..=2, 0, describe_cluster, DescribeClusterRequest, DescribeClusterResponse;
DescribeProducers = 61, 0..=0, 0, describe_producers, DescribeProducersRequest, DescribeProducersResponse;
DescribeTransactions = 65, 0..=0, 0, describe_transactions, DescribeTransactionsRequest, DescribeTransactionsResponse;
ListTransactions = 66, 0..=2, 0, list_transactions, ListTransactionsRequest, ListTransactionsResponse;
ConsumerGroupHeartbeat = 68, 0..=1, 0, consumer_group_heartbeat, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse;
ConsumerGroupDescribe = 69, 0..=1, 0, consumer_group_describe, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse;
ListConfigResources = 74, 0..=1, 0, list_config_resources, ListConfigResourcesRequest, ListConfigResourcesResponse;
DescribeTopicPartitions = 75, 0..=0, 0, describe_topic_partitions, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse;
} }; }

pub(crate) use for_each_api;
