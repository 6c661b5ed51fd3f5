//! A client on the classic protocol as a test plays it.

use bytes::Bytes;

use crate::consumer_protocol::Assignment;
use crate::tests::harness::{GROUP, Harness};
use crate::*;

/// What a client on the classic protocol knows of itself.
#[derive(Clone, Debug)]
pub(super) struct ClassicMember {
    pub(super) id: String,
    pub(super) instance_id: Option<&'static str>,
    pub(super) topics: Vec<&'static str>,
    pub(super) assignor: &'static str,
    /// Whether it keeps what it has over a rebalance, and only then gives up what it must.
    pub(super) is_cooperative: bool,
    pub(super) generation_id: i32,
    /// What it reads, by topic name.
    pub(super) owned: Vec<(String, i32)>,
    pub(super) joined: Option<Joined>,
}

impl ClassicMember {
    pub(super) fn eager(topics: &[&'static str]) -> Self {
        Self {
            id: String::new(),
            instance_id: None,
            topics: topics.to_vec(),
            assignor: "range",
            is_cooperative: false,
            generation_id: -1,
            owned: Vec::new(),
            joined: None,
        }
    }

    pub(super) fn cooperative(topics: &[&'static str]) -> Self {
        Self {
            is_cooperative: true,
            ..Self::eager(topics)
        }
    }

    pub(super) fn instance(self, instance_id: &'static str) -> Self {
        Self {
            instance_id: Some(instance_id),
            ..self
        }
    }

    fn subscription(&self) -> Bytes {
        let mut bytes = vec![0, 1];
        let text = |bytes: &mut Vec<u8>, text: &str| {
            bytes.extend(i16::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.as_bytes());
        };
        let count = |bytes: &mut Vec<u8>, count: usize| {
            bytes.extend(i32::try_from(count).unwrap().to_be_bytes());
        };
        count(&mut bytes, self.topics.len());
        for topic in &self.topics {
            text(&mut bytes, topic);
        }
        bytes.extend((-1_i32).to_be_bytes());
        count(&mut bytes, self.owned.len());
        for (topic, partition) in &self.owned {
            text(&mut bytes, topic);
            count(&mut bytes, 1);
            bytes.extend(partition.to_be_bytes());
        }
        bytes.into()
    }

    /// Asks to be let in, having given up first what it does not keep over a rebalance.
    pub(super) fn join(&mut self, h: &mut Harness) -> Token {
        if !self.is_cooperative {
            self.owned.clear();
        }
        let subscription = self.subscription();
        let protocols = vec![Protocol {
            name: self.assignor.to_owned(),
            metadata: subscription,
        }];
        h.join_with(|request| {
            request.member_id.clone_from(&self.id);
            request.group_instance_id = self.instance_id.map(str::to_owned);
            request.protocols = protocols;
        })
    }

    /// Takes in the answer to a JoinGroup, if it has come.
    pub(super) fn hear_join(&mut self, h: &Harness, token: Token) -> Result<(), GroupError> {
        match h.replies.get(&token) {
            Some(Reply::Join(Ok(joined))) => {
                self.id.clone_from(&joined.member_id);
                self.generation_id = joined.generation_id;
                self.joined = Some(joined.clone());
                Ok(())
            }
            Some(Reply::Join(Err(refused))) => {
                if !refused.member_id.is_empty() {
                    self.id.clone_from(&refused.member_id);
                }
                Err(refused.error)
            }
            other => panic!("{token:?}: {other:?}"),
        }
    }

    /// Asks what to read; a leader tells what its assignor says.
    pub(super) fn sync(&mut self, h: &mut Harness, assignments: Vec<(String, Bytes)>) -> Token {
        h.sync_with(SyncRequest {
            group_id: GROUP.into(),
            member_id: self.id.clone(),
            group_instance_id: self.instance_id.map(str::to_owned),
            generation_id: self.generation_id,
            protocol_type: Some("consumer".into()),
            protocol_name: Some(self.assignor.into()),
            assignments,
        })
    }

    pub(super) fn hear_sync(&mut self, h: &Harness, token: Token) -> Result<(), GroupError> {
        match h.replies.get(&token) {
            Some(Reply::Sync(Ok(synced))) => {
                let assignment = Assignment::decode(&synced.assignment).unwrap();
                let partitions = assignment.partitions.iter();
                self.owned = partitions
                    .map(|(topic, index)| ((*topic).to_owned(), *index))
                    .collect();
                Ok(())
            }
            Some(Reply::Sync(Err(error))) => Err(*error),
            other => panic!("{token:?}: {other:?}"),
        }
    }

    /// Joins a consumer group and fetches what there is to read: nothing there has to wait.
    pub(super) fn join_and_sync(&mut self, h: &mut Harness) -> Result<(), GroupError> {
        let token = self.join(h);
        self.hear_join(h, token)?;
        let token = self.sync(h, Vec::new());
        self.hear_sync(h, token)
    }

    pub(super) fn heartbeat(&self, h: &mut Harness) -> Result<(), GroupError> {
        let request = HeartbeatRequest {
            group_id: GROUP,
            member_id: &self.id,
            group_instance_id: self.instance_id,
            generation_id: self.generation_id,
        };
        h.run(|coordinator, call| coordinator.heartbeat(request, call))
    }

    /// Beats, and joins again as long as it is told to.
    pub(super) fn follow(&mut self, h: &mut Harness) {
        for _ in 0..5 {
            match self.heartbeat(h) {
                Ok(()) => return,
                Err(GroupError::RebalanceInProgress) => self.join_and_sync(h).unwrap(),
                Err(error) => panic!("{error:?}"),
            }
        }
        panic!("told to join again and again");
    }
}

/// The bytes with which a leader gives partitions of one topic.
pub(super) fn assignment_of(topic: &str, partitions: &[i32]) -> Bytes {
    let mut bytes = vec![0, 1, 0, 0, 0, 1];
    bytes.extend(i16::try_from(topic.len()).unwrap().to_be_bytes());
    bytes.extend(topic.as_bytes());
    bytes.extend(i32::try_from(partitions.len()).unwrap().to_be_bytes());
    for partition in partitions {
        bytes.extend(partition.to_be_bytes());
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes.into()
}
