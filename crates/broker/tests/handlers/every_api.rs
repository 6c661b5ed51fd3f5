//! Every API in every version that is served.

use bytes::Bytes;
use network::Outcome;
use wire::apis::ApiKey;
use wire::messages::*;
use wire::{DecodeError, Decoder, Message, Request, ResponseHeader};

use crate::support::{Fixture, settle};

/// How to ask an API for nothing in particular, and how to read the answer.
struct Api {
    key: i16,
    frame: fn(&Fixture, i16) -> Bytes,
    read: fn(Bytes, i16) -> Result<(), DecodeError>,
}

fn api<R: Request + Default>() -> Api {
    Api {
        key: R::API_KEY,
        frame: |fixture, version| fixture.frame(&R::default(), version),
        read: |answer, version| {
            let mut decoder = Decoder::new(answer);
            ResponseHeader::decode(&mut decoder, R::API_KEY, version)?;
            R::Response::decode(&mut decoder, version)?;
            decoder.finish()
        },
    }
}

fn apis() -> Vec<Api> {
    vec![
        api::<produce::ProduceRequest>(),
        api::<fetch::FetchRequest>(),
        api::<list_offsets::ListOffsetsRequest>(),
        api::<metadata::MetadataRequest>(),
        api::<offset_commit::OffsetCommitRequest>(),
        api::<offset_fetch::OffsetFetchRequest>(),
        api::<find_coordinator::FindCoordinatorRequest>(),
        api::<join_group::JoinGroupRequest>(),
        api::<heartbeat::HeartbeatRequest>(),
        api::<leave_group::LeaveGroupRequest>(),
        api::<sync_group::SyncGroupRequest>(),
        api::<describe_groups::DescribeGroupsRequest>(),
        api::<list_groups::ListGroupsRequest>(),
        api::<api_versions::ApiVersionsRequest>(),
        api::<create_topics::CreateTopicsRequest>(),
        api::<delete_topics::DeleteTopicsRequest>(),
        api::<delete_records::DeleteRecordsRequest>(),
        api::<init_producer_id::InitProducerIdRequest>(),
        api::<offset_for_leader_epoch::OffsetForLeaderEpochRequest>(),
        api::<txn_offset_commit::TxnOffsetCommitRequest>(),
        api::<add_partitions_to_txn::AddPartitionsToTxnRequest>(),
        api::<add_offsets_to_txn::AddOffsetsToTxnRequest>(),
        api::<end_txn::EndTxnRequest>(),
        api::<write_txn_markers::WriteTxnMarkersRequest>(),
        api::<describe_transactions::DescribeTransactionsRequest>(),
        api::<list_transactions::ListTransactionsRequest>(),
        api::<describe_configs::DescribeConfigsRequest>(),
        api::<alter_configs::AlterConfigsRequest>(),
        api::<alter_replica_log_dirs::AlterReplicaLogDirsRequest>(),
        api::<describe_log_dirs::DescribeLogDirsRequest>(),
        api::<create_partitions::CreatePartitionsRequest>(),
        api::<delete_groups::DeleteGroupsRequest>(),
        api::<elect_leaders::ElectLeadersRequest>(),
        api::<incremental_alter_configs::IncrementalAlterConfigsRequest>(),
        api::<alter_partition_reassignments::AlterPartitionReassignmentsRequest>(),
        api::<list_partition_reassignments::ListPartitionReassignmentsRequest>(),
        api::<offset_delete::OffsetDeleteRequest>(),
        api::<list_config_resources::ListConfigResourcesRequest>(),
        api::<describe_topic_partitions::DescribeTopicPartitionsRequest>(),
        api::<describe_client_quotas::DescribeClientQuotasRequest>(),
        api::<alter_client_quotas::AlterClientQuotasRequest>(),
        api::<describe_quorum::DescribeQuorumRequest>(),
        api::<describe_cluster::DescribeClusterRequest>(),
        api::<describe_producers::DescribeProducersRequest>(),
        api::<consumer_group_heartbeat::ConsumerGroupHeartbeatRequest>(),
        api::<consumer_group_describe::ConsumerGroupDescribeRequest>(),
    ]
}

#[tokio::test]
async fn a_default_request_gets_an_answer_in_every_version() {
    let mut fixture = Fixture::open().await;
    let served = {
        let request = api_versions::ApiVersionsRequest::default();
        fixture.call(&request, 0).await.api_keys
    };
    let apis = apis();
    for served in served {
        let api = apis.iter().find(|api| api.key == served.api_key);
        let api = api.unwrap_or_else(|| panic!("API {} is not in this test", served.api_key));
        // Of Produce, only 3 and above are answered.
        let known = ApiKey::from_key(api.key).unwrap().versions();
        for version in served.min_version.max(*known.start())..=served.max_version {
            let frame = (api.frame)(&fixture, version);
            let what = format!("API {}, version {version}", api.key);
            match (settle(fixture.dispatch(frame)).await, api.key) {
                (Outcome::Answer(answer), _) => {
                    let answer = answer.into_bytes();
                    assert_eq!((api.read)(answer, version), Ok(()), "{what}");
                }
                // The default of acks is 0.
                (Outcome::None, 0) => {}
                (outcome, _) => panic!("{what}: {outcome:?}"),
            }
        }
    }
}
