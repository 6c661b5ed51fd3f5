//! The APIs of consumer groups (KIP-848).

use std::time::Duration;

use model::{ErrorCode, TopicId};
use wire::Text;
use wire::messages::consumer_group_describe::{ConsumerGroupDescribeRequest, DescribedGroup};
use wire::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::delete_groups::DeleteGroupsRequest;
use wire::messages::describe_groups::DescribeGroupsRequest;
use wire::messages::list_groups::ListGroupsRequest;
use wire::messages::offset_commit::OffsetCommitRequest;
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};

use crate::configs::GROUP as GROUP_RESOURCE;
use crate::dynamic_configs::set;
use crate::group_durability::{SMALL_GROUP_SEGMENTS, large_commit_request, let_compact, log_bytes};
use crate::groups::{GROUP, commit, commit_request};
use crate::support::{Fixture, assert_code};

/// A member as it knows itself.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    id: Text,
    pub(crate) epoch: i32,
    owned: Vec<TopicPartitions>,
}

impl Member {
    pub(crate) fn new(id: &'static str) -> Self {
        Self {
            id: Text::from_static(id),
            epoch: 0,
            owned: Vec::new(),
        }
    }

    /// A heartbeat that says everything.
    fn full(&self) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest {
            rebalance_timeout_ms: 30_000,
            subscribed_topic_names: Some(vec![Text::from_static("t")]),
            topic_partitions: Some(self.owned.clone()),
            ..self.quiet()
        }
    }

    /// A heartbeat that says nothing new.
    pub(crate) fn quiet(&self) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest {
            group_id: GROUP,
            member_id: self.id.clone(),
            member_epoch: self.epoch,
            ..ConsumerGroupHeartbeatRequest::default()
        }
    }

    pub(crate) async fn beat(&mut self, fixture: &mut Fixture) -> ConsumerGroupHeartbeatResponse {
        let request = self.full();
        self.send(fixture, &request).await
    }

    pub(crate) async fn send(
        &mut self,
        fixture: &mut Fixture,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> ConsumerGroupHeartbeatResponse {
        let response = fixture.call(request, 1).await;
        assert_code(response.error_code, ErrorCode::None);
        self.epoch = response.member_epoch;
        if let Some(assignment) = &response.assignment {
            self.owned.clone_from(&assignment.topic_partitions);
        }
        response
    }

    pub(crate) fn partitions(&self) -> Vec<i32> {
        let topics = self.owned.iter();
        topics.flat_map(|topic| topic.partitions.clone()).collect()
    }
}

pub(crate) async fn create(fixture: &mut Fixture, name: &'static str, partitions: i32) -> TopicId {
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: Text::from_static(name),
            num_partitions: partitions,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        ..CreateTopicsRequest::default()
    };
    let created = fixture.call(&request, 7).await.topics.remove(0);
    assert_code(created.error_code, ErrorCode::None);
    created.topic_id
}

async fn describe(fixture: &mut Fixture, version: i16) -> DescribedGroup {
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec![GROUP, GROUP],
        include_authorized_operations: version >= 1,
    };
    let mut groups = fixture.call(&request, version).await.groups;
    assert_eq!(groups.len(), 1, "named twice, answered once");
    groups.remove(0)
}

/// Two members with a partition each.
async fn two_members(fixture: &mut Fixture) -> (Member, Member) {
    create(fixture, "t", 2).await;
    let (mut a, mut b) = (Member::new("a"), Member::new("b"));
    a.beat(fixture).await;
    assert_eq!(a.partitions(), [0, 1]);
    b.beat(fixture).await;
    assert_eq!(b.partitions(), [0; 0]);
    a.beat(fixture).await;
    assert_eq!((a.partitions().len(), a.epoch), (1, 1));
    a.beat(fixture).await;
    b.beat(fixture).await;
    assert_eq!((a.epoch, b.epoch), (2, 2));
    assert_eq!(b.partitions().len(), 1);
    (a, b)
}

#[tokio::test]
async fn members_share_are_described_and_leave() {
    let mut fixture = Fixture::open().await.with_client_id("client");
    let (mut a, mut b) = two_members(&mut fixture).await;
    let group = describe(&mut fixture, 1).await;
    assert_code(group.error_code, ErrorCode::None);
    assert_eq!(group.group_state, "Stable");
    assert_eq!((group.group_epoch, group.assignment_epoch), (2, 2));
    assert_eq!(group.assignor_name, "uniform");
    assert_eq!(group.authorized_operations, 1 << 3 | 1 << 6 | 1 << 8);
    let member = &group.members[0];
    assert_eq!((member.member_id.as_ref(), member.member_epoch), ("a", 2));
    assert_eq!(member.client_id, "client");
    assert!(member.client_host.starts_with('/'));
    assert_eq!(member.subscribed_topic_names, [Text::from_static("t")]);
    assert_eq!(member.member_type, 1);
    let topic = &member.assignment.topic_partitions[0];
    assert_eq!(topic.topic_name, "t");
    assert_eq!(topic.partitions, a.partitions());
    assert_eq!(member.assignment, member.target_assignment);
    let group = describe(&mut fixture, 0).await;
    assert_eq!(group.members[0].member_type, -1, "version 0 cannot tell");
    assert_eq!(group.authorized_operations, i32::MIN);

    a.epoch = -1;
    let left = fixture.call(&a.quiet(), 0).await;
    assert_code(left.error_code, ErrorCode::None);
    assert_eq!(left.member_epoch, -1);
    b.beat(&mut fixture).await;
    assert_eq!(b.partitions(), [0, 1]);
    let delete = DeleteGroupsRequest {
        groups_names: vec![GROUP],
    };
    let deleted = fixture.call(&delete, 2).await.results.remove(0);
    assert_code(deleted.error_code, ErrorCode::NonEmptyGroup);
    b.epoch = -1;
    fixture.call(&b.quiet(), 0).await;
    assert_eq!(describe(&mut fixture, 1).await.group_state, "Empty");
    let deleted = fixture.call(&delete, 2).await.results.remove(0);
    assert_code(deleted.error_code, ErrorCode::None);
    let gone = describe(&mut fixture, 1).await;
    assert_code(gone.error_code, ErrorCode::GroupIdNotFound);
    assert!(gone.error_message.is_some());
}

#[tokio::test]
async fn commits_and_fetches_go_by_the_epoch() {
    let mut fixture = Fixture::open().await;
    let (a, mut b) = two_members(&mut fixture).await;
    let by = |member: &Member| OffsetCommitRequest {
        member_id: member.id.clone(),
        generation_id_or_member_epoch: member.epoch,
        ..commit_request("t", 5)
    };
    let code = commit(&mut fixture, &by(&a), 9).await;
    assert_code(code, ErrorCode::None);
    let code = commit(&mut fixture, &by(&a), 8).await;
    assert_code(code, ErrorCode::UnsupportedVersion);
    b.epoch = 1;
    let code = commit(&mut fixture, &by(&b), 9).await;
    assert_code(code, ErrorCode::StaleMemberEpoch);
    let stranger = Member::new("stranger");
    let code = commit(&mut fixture, &by(&stranger), 9).await;
    assert_code(code, ErrorCode::UnknownMemberId);

    for (member, code) in [
        (Some(&a), ErrorCode::None),
        (None, ErrorCode::None),
        (Some(&b), ErrorCode::StaleMemberEpoch),
        (Some(&stranger), ErrorCode::UnknownMemberId),
    ] {
        let request = OffsetFetchRequest {
            groups: vec![OffsetFetchRequestGroup {
                group_id: GROUP,
                member_id: member.map(|member| member.id.clone()),
                member_epoch: member.map_or(-1, |member| member.epoch),
                topics: Some(vec![OffsetFetchRequestTopics {
                    name: Text::from_static("t"),
                    partition_indexes: vec![0],
                    ..OffsetFetchRequestTopics::default()
                }]),
            }],
            ..OffsetFetchRequest::default()
        };
        let group = fixture.call(&request, 9).await.groups.remove(0);
        assert_code(group.error_code, code);
        let offset = group
            .topics
            .first()
            .map(|t| t.partitions[0].committed_offset);
        assert_eq!(offset, (code == ErrorCode::None).then_some(5));
    }
}

#[tokio::test]
async fn both_kinds_are_listed_and_each_is_described_by_its_own_api() {
    let mut fixture = Fixture::open().await;
    two_members(&mut fixture).await;
    let classic = OffsetCommitRequest {
        group_id: Text::from_static("classic"),
        ..commit_request("t", 1)
    };
    commit(&mut fixture, &classic, 9).await;
    let list = |states: &[&'static str], types: &[&'static str]| ListGroupsRequest {
        states_filter: states.iter().copied().map(Text::from_static).collect(),
        types_filter: types.iter().copied().map(Text::from_static).collect(),
    };
    for (request, expected) in [
        (list(&[], &[]), vec!["classic", "g"]),
        (list(&[], &["Consumer"]), vec!["g"]),
        (list(&[], &["classic"]), vec!["classic"]),
        (list(&["stable"], &["consumer"]), vec!["g"]),
        (list(&["Reconciling"], &[]), vec![]),
    ] {
        let mut groups = fixture.call(&request, 5).await.groups;
        groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
        let ids: Vec<&str> = groups.iter().map(|group| &*group.group_id).collect();
        assert_eq!(ids, expected, "{request:?}");
    }
    let request = DescribeGroupsRequest {
        groups: vec![GROUP],
        ..DescribeGroupsRequest::default()
    };
    let described = fixture.call(&request, 6).await.groups.remove(0);
    assert_code(described.error_code, ErrorCode::GroupIdNotFound);
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec![Text::from_static("classic")],
        ..ConsumerGroupDescribeRequest::default()
    };
    let described = fixture.call(&request, 1).await.groups.remove(0);
    assert_code(described.error_code, ErrorCode::GroupIdNotFound);
    let metrics = fixture.broker.render_metrics();
    let line = "ottla_groups{state=\"Reconciling\"} 0";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
}

#[tokio::test]
async fn a_restart_finds_members_assignments_and_epochs() {
    let mut fixture = Fixture::open().await;
    let (mut a, mut b) = two_members(&mut fixture).await;
    let before = describe(&mut fixture, 1).await;
    let mut fixture = fixture.restart().await;
    assert_eq!(describe(&mut fixture, 1).await, before);
    let quiet = a.quiet();
    let response = a.send(&mut fixture, &quiet).await;
    assert_eq!((response.member_epoch, response.assignment), (2, None));
    // Silence counts from the restart.
    fixture.clock.advance(Duration::from_secs(44));
    let_the_timer_run().await;
    a.beat(&mut fixture).await;
    assert_eq!(describe(&mut fixture, 1).await.members.len(), 2);
    fixture.clock.advance(Duration::from_secs(1));
    wait_for_members(&mut fixture, 1).await;
    a.beat(&mut fixture).await;
    assert_eq!(a.partitions(), [0, 1]);
    let fenced = fixture.call(&b.full(), 1).await;
    assert_code(fenced.error_code, ErrorCode::UnknownMemberId);
    b.epoch = 0;
    b.owned.clear();
    b.beat(&mut fixture).await;
    b.epoch = 9;
    let fenced = fixture.call(&b.full(), 1).await;
    assert_code(fenced.error_code, ErrorCode::FencedMemberEpoch);
    assert!(fenced.error_message.is_some());
}

/// Lets the timer, which is a task of its own, do what is due.
async fn let_the_timer_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Lets the timer run, which is a task of its own, until the group has so many members.
async fn wait_for_members(fixture: &mut Fixture, count: usize) {
    for _ in 0..10_000 {
        if describe(fixture, 1).await.members.len() == count {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the group never has {count} members");
}

#[tokio::test]
async fn a_group_has_timeouts_of_its_own() {
    let mut fixture = Fixture::open().await;
    let (mut a, mut b) = two_members(&mut fixture).await;
    let group = (GROUP_RESOURCE, "g");
    for (name, value, expected) in [
        (
            "consumer.session.timeout.ms",
            "44999",
            ErrorCode::InvalidConfig,
        ),
        (
            "consumer.session.timeout.ms",
            "60001",
            ErrorCode::InvalidConfig,
        ),
        (
            "consumer.heartbeat.interval.ms",
            "4999",
            ErrorCode::InvalidConfig,
        ),
        ("consumer.heartbeat.interval.ms", "15000", ErrorCode::None),
        ("consumer.session.timeout.ms", "60000", ErrorCode::None),
    ] {
        let code = set(&mut fixture, group, name, Some(value)).await;
        assert_eq!(code, expected, "{name}={value}");
    }
    for member in [&mut a, &mut b] {
        let response = member.beat(&mut fixture).await;
        assert_eq!(response.heartbeat_interval_ms, 15_000);
    }
    fixture.clock.advance(Duration::from_secs(59));
    let_the_timer_run().await;
    a.beat(&mut fixture).await;
    assert_eq!(describe(&mut fixture, 1).await.members.len(), 2);
    fixture.clock.advance(Duration::from_secs(1));
    wait_for_members(&mut fixture, 1).await;
    // Other groups are as the broker says.
    let request = ConsumerGroupHeartbeatRequest {
        group_id: Text::from_static("another"),
        ..Member::new("c").full()
    };
    let response = fixture.call(&request, 1).await;
    assert_eq!(response.heartbeat_interval_ms, 5_000);
}

#[tokio::test]
async fn a_compacted_log_has_the_whole_group() {
    let mut fixture = Fixture::with_settings(&SMALL_GROUP_SEGMENTS).await;
    let (mut a, mut b) = two_members(&mut fixture).await;
    let before = describe(&mut fixture, 1).await;
    // Another group's commits make the log long.
    fixture.topic("long").await;
    let mut request = large_commit_request(1);
    request.group_id = Text::from_static("another");
    request.topics[0].name = Text::from_static("long");
    for _ in 0..12 {
        assert_code(commit(&mut fixture, &request, 9).await, ErrorCode::None);
    }
    let mut fixture = fixture.restart().await;
    let mut rounds = 0;
    while log_bytes(&mut fixture).await > 1_000_000 {
        let_compact(&mut fixture, rounds).await;
        for member in [&mut a, &mut b] {
            let quiet = member.quiet();
            member.send(&mut fixture, &quiet).await;
        }
        rounds += 1;
        assert!(rounds < 1_000, "it is never compacted");
    }
    let mut fixture = fixture.restart().await;
    assert_eq!(describe(&mut fixture, 1).await, before);
    let quiet = a.quiet();
    let response = a.send(&mut fixture, &quiet).await;
    assert_eq!((response.member_epoch, response.assignment), (2, None));
}

#[tokio::test]
async fn patterns_find_topics_but_not_the_brokers_own() {
    let mut fixture = Fixture::open().await;
    let topic_id = create(&mut fixture, "orders-1", 1).await;
    create(&mut fixture, "other", 1).await;
    let mut a = Member::new("a");
    let by_pattern = |member: &Member, pattern: &'static str| ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some(Text::from_static(pattern)),
        ..member.full()
    };
    let joined = by_pattern(&a, "orders-.*|__consumer_.*");
    a.send(&mut fixture, &joined).await;
    while a.owned.is_empty() {
        tokio::task::yield_now().await;
        let quiet = a.quiet();
        a.send(&mut fixture, &quiet).await;
    }
    assert_eq!(a.owned.len(), 1);
    assert_eq!(a.owned[0].topic_id, topic_id);
    let group = describe(&mut fixture, 1).await;
    let pattern = group.members[0].subscribed_topic_regex.as_deref();
    assert_eq!(pattern, Some("orders-.*|__consumer_.*"));
    for pattern in ["(", "(a{1000}){1000}"] {
        let refused = fixture.call(&by_pattern(&a, pattern), 1).await;
        assert_code(refused.error_code, ErrorCode::InvalidRegularExpression);
        assert!(refused.error_message.is_some());
    }
}

#[tokio::test]
async fn requests_that_cannot_be_meant_are_refused() {
    let mut fixture = Fixture::open().await;
    let a = Member::new("a");
    let join = a.full();
    let refused = |change: fn(&mut ConsumerGroupHeartbeatRequest)| {
        let mut request = join.clone();
        change(&mut request);
        request
    };
    let invalid = [
        refused(|request| request.group_id = Text::EMPTY),
        refused(|request| request.member_id = Text::EMPTY),
        refused(|request| request.instance_id = Some(Text::from_static(" "))),
        refused(|request| request.rack_id = Some(Text::EMPTY)),
        refused(|request| request.rebalance_timeout_ms = -1),
        refused(|request| request.topic_partitions = None),
        refused(|request| request.topic_partitions = Some(vec![TopicPartitions::default()])),
        refused(|request| request.subscribed_topic_names = None),
        refused(|request| request.member_epoch = -2),
        refused(|request| request.member_epoch = -3),
    ];
    let unsupported =
        refused(|request| request.server_assignor = Some(Text::from_static("sticky")));
    let requests = invalid.map(|request| (request, ErrorCode::InvalidRequest));
    for (request, code) in requests
        .into_iter()
        .chain([(unsupported, ErrorCode::UnsupportedAssignor)])
    {
        let response = fixture.call(&request, 1).await;
        assert_code(response.error_code, code);
        assert!(response.error_message.is_some(), "{request:?}");
        assert_eq!(response.assignment, None);
    }
    // In version 0 the broker makes the id.
    let request = refused(|request| request.member_id = Text::EMPTY);
    let response = fixture.call(&request, 0).await;
    assert_code(response.error_code, ErrorCode::None);
    assert!(response.member_id.is_some_and(|id| !id.is_empty()));
}
