//! The topic of a benchmark: found or made, and where its partitions are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use client::{Address, Admin, NewTopic, Partition, Position, Refusal, Topic, TopicPartition};
use model::{ErrorCode, TopicId};

use super::arguments::TopicArguments;
use crate::cli::UsageError;

/// How long the leaders of a new topic may take to know that they are, and how often they are asked.
const LEADERS_WITHIN: Duration = Duration::from_secs(15);
const LEADERS_PAUSE: Duration = Duration::from_millis(50);

/// A topic and the leaders of its partitions.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) id: Option<TopicId>,
    /// By index, without gaps.
    pub(super) leaders: Vec<Address>,
}

impl Target {
    /// The topic, made if it does not exist.
    pub(super) async fn find_or_create(
        admin: &mut Admin,
        arguments: &TopicArguments,
    ) -> anyhow::Result<Self> {
        let name = &arguments.topic;
        let found = admin.topics(std::slice::from_ref(name)).await?.pop();
        let (_, found) = found.context("the broker did not answer for the topic")?;
        let topic = match found {
            Ok(topic) => {
                check_existing(&topic, arguments)?;
                topic
            }
            Err(refusal) if refusal.is(ErrorCode::UnknownTopicOrPartition) => {
                create(admin, arguments).await?
            }
            Err(refusal) => anyhow::bail!("topic {name}: {refusal}"),
        };
        Self::of(admin, &topic)
    }

    /// A topic that exists.
    pub(super) async fn existing(admin: &mut Admin, name: &str) -> anyhow::Result<Self> {
        let topic = crate::cli::topic::existing(admin, name).await?;
        Self::of(admin, &topic)
    }

    fn of(admin: &Admin, topic: &Topic) -> anyhow::Result<Self> {
        let brokers = &admin.cluster().brokers;
        let leader = |partition: &Partition| {
            let leader = partition.leader.and_then(|node| brokers.get(&node));
            let leader = leader.map(|broker| broker.address.clone());
            leader.with_context(|| {
                let (name, index) = (&topic.name, partition.index);
                format!("partition {index} of {name} has no leader; is one of the brokers down?")
            })
        };
        Ok(Self {
            name: topic.name.clone(),
            id: topic.id,
            leaders: topic
                .partitions
                .iter()
                .map(leader)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Its partitions.
    pub(super) fn partitions(&self) -> BTreeSet<TopicPartition> {
        let indexes = (0..self.leaders.len()).filter_map(|index| i32::try_from(index).ok());
        indexes
            .map(|index| TopicPartition::new(&self.name, index))
            .collect()
    }

    /// The offset at a position of each partition, by index.
    pub(super) async fn offsets(
        &self,
        admin: &mut Admin,
        position: Position,
    ) -> anyhow::Result<BTreeMap<i32, i64>> {
        let offsets = admin.offsets(&self.partitions(), position).await?;
        let offset = |(at, offset): (TopicPartition, Result<Option<i64>, Refusal>)| {
            let offset = offset.with_context(|| format!("cannot ask for the offsets of {at}"))?;
            Ok((at.partition, offset.unwrap_or_default()))
        };
        offsets.into_iter().map(offset).collect()
    }

    /// The brokers that lead a partition, each once.
    pub(super) fn brokers(&self) -> Vec<Address> {
        let mut brokers = self.leaders.clone();
        brokers.sort();
        brokers.dedup();
        brokers
    }

    /// The newest version of requests that begin to name topics by id in version `by_id_from`: the
    /// one before, if the topic's id is not known.
    pub(super) fn version_max(&self, by_id_from: i16) -> i16 {
        match self.id {
            Some(_) => i16::MAX,
            None => by_id_from - 1,
        }
    }
}

fn check_existing(topic: &Topic, arguments: &TopicArguments) -> Result<(), UsageError> {
    let (name, count) = (&topic.name, topic.partitions.len());
    if let Some(wanted) = arguments.partitions
        && usize::try_from(wanted) != Ok(count)
    {
        return Err(UsageError(format!(
            "topic {name} exists and has {count} partitions, not {wanted}: \
             leave --partitions out, name another topic, or delete it with `ottla topic delete {name}`"
        )));
    }
    if !arguments.configs.is_empty() {
        return Err(UsageError(format!(
            "topic {name} exists, and --config is for one that is created: \
             change it with `ottla topic alter-config {name} --set KEY=VALUE`"
        )));
    }
    Ok(())
}

async fn create(admin: &mut Admin, arguments: &TopicArguments) -> anyhow::Result<Topic> {
    let name = &arguments.topic;
    let topic = NewTopic {
        name: name.clone(),
        partitions: Some(arguments.partitions.unwrap_or(1)),
        replication_factor: None,
        configs: arguments.configs.clone(),
    };
    for (_, outcome) in admin.create_topics(&[topic]).await? {
        outcome.with_context(|| format!("cannot create topic {name}"))?;
    }
    let topic = crate::cli::topic::existing(admin, name).await?;
    await_leaders(admin, &topic).await?;
    Ok(topic)
}

/// Waits until all partitions of a new topic are answered for: the brokers of a cluster hear of their
/// leaders a little earlier than the leaders themselves.
async fn await_leaders(admin: &mut Admin, topic: &Topic) -> anyhow::Result<()> {
    let partitions = topic.partitions.iter();
    let partitions: BTreeSet<TopicPartition> = partitions
        .map(|partition| TopicPartition::new(&topic.name, partition.index))
        .collect();
    let give_up_at = Instant::now() + LEADERS_WITHIN;
    loop {
        let offsets = admin.offsets(&partitions, Position::End).await?;
        let refused = offsets
            .into_iter()
            .find_map(|(at, offset)| Some((at, offset.err()?)));
        let Some((at, refusal)) = refused else {
            return Ok(());
        };
        anyhow::ensure!(
            refusal.is(ErrorCode::UnknownTopicOrPartition) && Instant::now() < give_up_at,
            "partition {at} was created and cannot be used: {refusal}"
        );
        tokio::time::sleep(LEADERS_PAUSE).await;
    }
}
