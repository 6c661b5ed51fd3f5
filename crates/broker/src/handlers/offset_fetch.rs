//! OffsetFetch (key 9), versions 1 to 10: answers how far groups have read.
//!
//! - Where nothing is committed, and in a group that does not exist: offset -1, leader epoch -1,
//!   metadata "" and no error. Topics that do not exist are no different.
//! - A partition that a request names again is not told again: what there is to tell of it is longer
//!   than its name. Neither is all that a group has committed.
//! - v2 (KIP-88): a null list asks for everything the group has committed; a top-level error.
//! - v5 (KIP-320): leader epochs. v6: flexible.
//! - v7 (KIP-447): who asks for stable offsets gets UNSTABLE_OFFSET_COMMIT where a transaction that has
//!   not ended may change one.
//! - v8 (KIP-709): many groups, an error for each.
//! - v9 (KIP-848): member id and epoch, which consumer groups check and classic groups do not.
//! - v10 (KIP-848): topics by id; an unknown one gets UNKNOWN_TOPIC_ID.

use std::collections::{HashMap, HashSet};

use groups::CommittedOffset;
use model::{ErrorCode, TopicId};
use wire::Text;
use wire::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};

use crate::context::RequestContext;
use crate::coordinator::GroupView;
use crate::topics::Topics;

/// Answers for each group.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    let mut mentioned = HashMap::new();
    let asks = Asks {
        ctx: &ctx,
        needs_stable: request.require_stable,
    };
    if ctx.version < 8 {
        let mut group = only_group(request);
        keep_first_mentions(&mut mentioned, &mut group);
        let group = fetch(&asks, group).await;
        return of_only_group(&ctx, group);
    }
    let mut response = OffsetFetchResponse::default();
    for mut group in request.groups {
        keep_first_mentions(&mut mentioned, &mut group);
        response.groups.push(fetch(&asks, group).await);
    }
    response
}

/// What holds for all groups of a request.
#[derive(Clone, Copy)]
struct Asks<'a> {
    ctx: &'a RequestContext,
    /// Offsets that a transaction may be about to change are of no use.
    needs_stable: bool,
}

impl Asks<'_> {
    /// What a group has committed for a partition, if that may be told.
    fn offset<'g>(
        &self,
        group: GroupView<'g>,
        topic: &str,
        index: i32,
    ) -> Result<Option<&'g CommittedOffset>, ErrorCode> {
        if self.needs_stable && group.has_pending(topic, index) {
            return Err(ErrorCode::UnstableOffsetCommit);
        }
        Ok(group.offset(topic, index))
    }
}

/// The request of an older version, as one for many groups would put it.
fn only_group(request: OffsetFetchRequest) -> OffsetFetchRequestGroup {
    let topics = request.topics.map(|topics| {
        let topics = topics.into_iter().map(|topic| OffsetFetchRequestTopics {
            name: topic.name,
            partition_indexes: topic.partition_indexes,
            ..OffsetFetchRequestTopics::default()
        });
        topics.collect()
    });
    OffsetFetchRequestGroup {
        group_id: request.group_id,
        topics,
        ..OffsetFetchRequestGroup::default()
    }
}

/// The answer to an older version. Version 1 has no place for an error but the partitions.
fn of_only_group(ctx: &RequestContext, group: OffsetFetchResponseGroup) -> OffsetFetchResponse {
    let topics = group.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter();
        OffsetFetchResponseTopic {
            name: topic.name,
            partitions: partitions
                .map(|partition| OffsetFetchResponsePartition {
                    partition_index: partition.partition_index,
                    committed_offset: partition.committed_offset,
                    committed_leader_epoch: partition.committed_leader_epoch,
                    metadata: partition.metadata,
                    error_code: partition.error_code,
                })
                .collect(),
        }
    });
    OffsetFetchResponse {
        topics: topics.collect(),
        error_code: if ctx.version >= 2 {
            group.error_code
        } else {
            ErrorCode::None.code()
        },
        ..OffsetFetchResponse::default()
    }
}

async fn fetch(asks: &Asks<'_>, asked: OffsetFetchRequestGroup) -> OffsetFetchResponseGroup {
    let ctx = asks.ctx;
    let published = ctx.broker.metadata.published();
    let topics = &published.topics;
    let groups = &ctx.broker.groups;
    let looked = groups
        .look(&ctx.broker, &asked.group_id, |group| {
            group.admit_fetch(asked.member_id.as_deref(), asked.member_epoch)?;
            Ok(match &asked.topics {
                Some(list) => list
                    .iter()
                    .map(|topic| one_topic(asks, topics, topic, Ok(Some(group))))
                    .collect(),
                None => all_topics(asks, topics, group),
            })
        })
        .await;
    let list = asked.topics.iter().flatten();
    let (topics, error) = match looked {
        Ok(Some(Ok(found))) => (found, ErrorCode::None),
        // Who has no business here is told nothing but that.
        Ok(Some(Err(error))) => (Vec::new(), error),
        Ok(None) => {
            let none = list.map(|topic| one_topic(asks, topics, topic, Ok(None)));
            (none.collect(), ErrorCode::None)
        }
        Err(error) => {
            let failed = list.map(|topic| one_topic(asks, topics, topic, Err(error)));
            (failed.collect(), error)
        }
    };
    OffsetFetchResponseGroup {
        group_id: asked.group_id,
        topics,
        error_code: error.code(),
    }
}

/// What a request has asked about a group so far.
#[derive(Default)]
struct Mentions {
    all: bool,
    partitions: HashMap<(Text, TopicId), HashSet<i32>>,
}

/// Takes out of a request what it has asked about the group before.
fn keep_first_mentions(
    mentioned: &mut HashMap<Text, Mentions>,
    group: &mut OffsetFetchRequestGroup,
) {
    let mentions = mentioned.entry(group.group_id.clone()).or_default();
    let Some(topics) = &mut group.topics else {
        if std::mem::replace(&mut mentions.all, true) {
            group.topics = Some(Vec::new());
        }
        return;
    };
    for topic in topics {
        let key = (topic.name.clone(), topic.topic_id);
        let seen = mentions.partitions.entry(key).or_default();
        topic.partition_indexes.retain(|index| seen.insert(*index));
    }
}

fn one_topic(
    asks: &Asks<'_>,
    topics: &Topics,
    asked: &OffsetFetchRequestTopics,
    group: Result<Option<GroupView<'_>>, ErrorCode>,
) -> OffsetFetchResponseTopics {
    let name: Result<&str, ErrorCode> = if asks.ctx.version >= 10 {
        topics
            .by_id(asked.topic_id)
            .map(|topic| topic.name().as_str())
    } else {
        Ok(&asked.name)
    };
    let partitions = asked.partition_indexes.iter().map(|index| {
        let committed = group.and_then(|group| {
            let name = name?;
            match group {
                Some(group) => asks.offset(group, name, *index),
                None => Ok(None),
            }
        });
        partition(*index, committed)
    });
    OffsetFetchResponseTopics {
        name: asked.name.clone(),
        topic_id: asked.topic_id,
        partitions: partitions.collect(),
    }
}

fn all_topics(
    asks: &Asks<'_>,
    topics: &Topics,
    group: GroupView<'_>,
) -> Vec<OffsetFetchResponseTopics> {
    let mut found: Vec<OffsetFetchResponseTopics> = Vec::new();
    for (name, index, _) in group.offsets() {
        let topic_id = match topics.by_name(name) {
            Ok(topic) => topic.id(),
            // Deleted a moment ago; without an id there is no way to speak of it.
            Err(_) if asks.ctx.version >= 10 => continue,
            Err(_) => TopicId::ZERO,
        };
        let answer = partition(index, asks.offset(group, name, index));
        match found.last_mut() {
            Some(last) if *last.name == **name => last.partitions.push(answer),
            _ => found.push(OffsetFetchResponseTopics {
                name: Text::from(name.as_str()),
                topic_id,
                partitions: vec![answer],
            }),
        }
    }
    found
}

fn partition(
    partition_index: i32,
    committed: Result<Option<&CommittedOffset>, ErrorCode>,
) -> OffsetFetchResponsePartitions {
    match committed {
        Ok(Some(committed)) => OffsetFetchResponsePartitions {
            partition_index,
            committed_offset: committed.offset,
            committed_leader_epoch: committed.leader_epoch,
            metadata: Some(Text::from(&*committed.metadata)),
            error_code: ErrorCode::None.code(),
        },
        nothing => OffsetFetchResponsePartitions {
            partition_index,
            committed_offset: -1,
            committed_leader_epoch: -1,
            metadata: Some(Text::EMPTY),
            error_code: nothing.err().unwrap_or(ErrorCode::None).code(),
        },
    }
}
