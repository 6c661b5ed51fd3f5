//! Makes and deletes topics, and makes them again under the same names.

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest,
    IncrementalAlterConfigsRequest,
};

use super::codec::{self, code, only, text};
use super::machine::Machine;
use super::model::{Deletion, TopicKey, Wanted};
use super::world::{Caller, Checked, Shared, ensure, hear, pick};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
/// A topic that is made in the beginning and stays as it is.
pub(crate) const KEPT: &str = "kept";
/// More partitions than this only make a run slower.
const PARTITIONS_MAX: usize = 4;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Create {
        name: &'static str,
    },
    Delete {
        topic: TopicKey,
    },
    Alter,
    Grow {
        topic: TopicKey,
        count: usize,
    },
    Trim {
        topic: TopicKey,
        partition: i32,
        offset: i64,
    },
}

/// The client that administers.
pub(crate) struct Admin {
    pub caller: Caller<Asked>,
}

impl Admin {
    pub(crate) fn new(machine: &Machine) -> Self {
        Self {
            caller: Caller::new(machine),
        }
    }

    /// Asks for one change at a time.
    pub(crate) fn act(&mut self, shared: &mut Shared, choice: u64) {
        if self.caller.is_waiting() {
            return;
        }
        let name = NAMES[pick(choice, NAMES.len())];
        match shared.model.live(name) {
            None if !shared.model.wanted.contains_key(name) => {
                self.create(shared, name, choice / 4)
            }
            Some(topic) if (choice / 4).is_multiple_of(3) => self.delete(shared, topic),
            Some(topic) if shared.model.topics[topic].deletion != Deletion::None => {}
            Some(topic) => match choice / 12 % 3 {
                0 => self.alter(shared, topic, choice / 36),
                1 => self.grow(shared, topic),
                _ => self.trim(shared, topic, choice / 36),
            },
            None => {}
        }
    }

    /// Makes the topic that stays.
    pub(crate) fn create_kept(&mut self, shared: &mut Shared) {
        let wanted = Wanted {
            partitions: 2,
            may_trim: false,
            is_stamped: false,
        };
        self.send_creation(shared, KEPT, wanted, Vec::new());
    }

    /// Gives a topic one more partition.
    fn grow(&mut self, shared: &mut Shared, topic: TopicKey) {
        let entry = &mut shared.model.topics[topic];
        let count = entry.partitions.len() + 1;
        if count > PARTITIONS_MAX {
            return;
        }
        entry.growing_to = Some(count);
        let wanted = CreatePartitionsTopic::default()
            .with_name(codec::topic(&entry.name))
            .with_count(i32::try_from(count).unwrap_or(0))
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![wanted])
            .with_timeout_ms(60_000);
        self.caller.send(&request, 3, Asked::Grow { topic, count });
    }

    /// Deletes records from the start of a partition, up to some offset or all that are shown.
    fn trim(&mut self, shared: &mut Shared, topic: TopicKey, choice: u64) {
        let entry = &mut shared.model.topics[topic];
        entry.may_trim = true;
        let index = pick(choice, entry.partitions.len());
        let shown = &entry.partitions[index];
        let span = u64::try_from(shown.told.end - shown.told.start).unwrap_or(0) + 1;
        let offset = match choice.is_multiple_of(5) {
            true => -1,
            false => shown.told.start + i64::try_from(choice / 8 % span).unwrap_or(0),
        };
        let partition = i32::try_from(index).unwrap_or(0);
        let wanted = DeleteRecordsPartition::default()
            .with_partition_index(partition)
            .with_offset(offset);
        let wanted = DeleteRecordsTopic::default()
            .with_name(codec::topic(&entry.name))
            .with_partitions(vec![wanted]);
        let request = DeleteRecordsRequest::default()
            .with_topics(vec![wanted])
            .with_timeout_ms(60_000);
        let asked = Asked::Trim {
            topic,
            partition,
            offset,
        };
        self.caller.send(&request, 2, asked);
    }

    /// Gives a topic another retention, or takes it back.
    fn alter(&mut self, shared: &mut Shared, topic: TopicKey, choice: u64) {
        let entry = &mut shared.model.topics[topic];
        let value = ["-1", "1000", "5000", "50000"][pick(choice, 4)];
        // What is asked for may act before it is answered, and it may act late.
        entry.may_trim = true;
        let config = AlterableConfig::default()
            .with_name(text("retention.bytes"))
            .with_config_operation(0)
            .with_value(Some(text(value)));
        let resource = AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(text(entry.name.clone()))
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        self.caller.send(&request, 1, Asked::Alter);
    }

    fn create(&mut self, shared: &mut Shared, name: &'static str, choice: u64) {
        let mut configs = Vec::new();
        let mut set = |name: &str, value: &str| {
            let config = CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)));
            configs.push(config);
        };
        let may_trim = choice.is_multiple_of(3);
        if may_trim {
            set("retention.bytes", "3000");
            set("retention.ms", "9000");
        }
        let is_stamped = (choice / 3).is_multiple_of(4);
        if is_stamped {
            set("message.timestamp.type", "LogAppendTime");
        }
        let wanted = Wanted {
            partitions: 1 + i32::try_from(choice / 12 % 3).unwrap_or(0),
            may_trim,
            is_stamped,
        };
        self.send_creation(shared, name, wanted, configs);
    }

    fn send_creation(
        &mut self,
        shared: &mut Shared,
        name: &'static str,
        wanted: Wanted,
        configs: Vec<CreatableTopicConfig>,
    ) {
        let topic = CreatableTopic::default()
            .with_name(codec::topic(name))
            .with_num_partitions(wanted.partitions)
            .with_replication_factor(1)
            .with_configs(configs);
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(60_000);
        shared.model.wanted.insert(name.to_owned(), wanted);
        self.caller.send(&request, 7, Asked::Create { name });
    }

    fn delete(&mut self, shared: &mut Shared, topic: TopicKey) {
        let entry = &mut shared.model.topics[topic];
        entry.deletion = Deletion::Asked;
        let name = entry.name.clone();
        let state = DeleteTopicState::default()
            .with_name(None)
            .with_topic_id(uuid::Uuid::from_bytes(entry.id));
        shared.model.forget_committed(&name);
        let request = DeleteTopicsRequest::default()
            .with_topics(vec![state])
            .with_timeout_ms(60_000);
        self.caller.send(&request, 6, Asked::Delete { topic });
    }

    /// Hears one answer, if there is one.
    pub(crate) fn hear(&mut self, shared: &mut Shared) -> Checked<bool> {
        let Some((tag, bytes)) = hear(&mut self.caller, shared)? else {
            return Ok(false);
        };
        let error = match tag.purpose {
            Asked::Create { name } => {
                let answer = tag.read::<CreateTopicsRequest>(bytes)?;
                let topic = only(answer.topics)?;
                if topic.error_code == code::NONE {
                    let wanted = shared.model.wanted.remove(name).ok_or("nobody wanted it")?;
                    let id = topic.topic_id.into_bytes();
                    let is_new = shared.model.by_id(id).is_none();
                    ensure!(is_new, "the id of {name} was used before");
                    shared.model.adopt(name, id, wanted);
                    shared.tally.add("topics created", 1);
                }
                // Otherwise it may be there all the same; the next start tells.
                topic.error_code
            }
            Asked::Delete { topic } => {
                let answer = tag.read::<DeleteTopicsRequest>(bytes)?;
                let answer = only(answer.responses)?;
                if answer.error_code == code::NONE {
                    shared.model.topics[topic].deletion = Deletion::Done;
                    shared.tally.add("topics deleted", 1);
                }
                answer.error_code
            }
            Asked::Alter => {
                let answer = tag.read::<IncrementalAlterConfigsRequest>(bytes)?;
                let answer = only(answer.responses)?;
                shared.tally.add("topics altered", 1);
                answer.error_code
            }
            Asked::Grow { topic, count } => {
                let answer = tag.read::<CreatePartitionsRequest>(bytes)?;
                let answer = only(answer.results)?;
                if answer.error_code == code::NONE {
                    shared.model.grow(topic, count);
                    shared.tally.add("topics grown", 1);
                }
                answer.error_code
            }
            Asked::Trim {
                topic,
                partition,
                offset,
            } => {
                let answer = tag.read::<DeleteRecordsRequest>(bytes)?;
                let answer = only(only(answer.topics)?.partitions)?;
                let start = answer.low_watermark;
                if answer.error_code == code::NONE {
                    ensure!(
                        start >= offset,
                        "records up to {offset} are deleted up to {start}"
                    );
                    let told_before = shared.model.partition(topic, partition).told;
                    shared.show(topic, partition, Some(start), None, told_before)?;
                    shared.tally.add("records deleted", 1);
                }
                answer.error_code
            }
        };
        let is_excused =
            error == code::NONE || error == code::REQUEST_TIMED_OUT || shared.is_troubled();
        ensure!(
            is_excused,
            "error {error} without a fault: {:?}",
            tag.purpose
        );
        Ok(true)
    }
}
