//! Transactions as their coordinators know them.

use std::collections::BTreeSet;

use model::ErrorCode;
use wire::Text;
use wire::messages::describe_transactions::{
    self as describe, DescribeTransactionsRequest, DescribeTransactionsResponse,
};
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use wire::messages::list_transactions::{ListTransactionsRequest, ListTransactionsResponse};

use super::coordinators::Coordinated;
use super::{ANY_VERSION, Admin, Patience};
use crate::error::{ClientError, Refusal};
use crate::offsets::TopicPartition;

/// Which transactional ids to list: those that pass all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    /// In one of these states, by Kafka's names; empty for any.
    pub states: Vec<String>,
    /// Of one of these producers; empty for any.
    pub producer_ids: Vec<i64>,
    /// With a transaction that has been going on for longer than this, in ms. Brokers before Kafka 3.8 cannot
    /// tell.
    pub longer_than_ms: Option<i64>,
    /// Of which the whole id matches this pattern. Brokers before Kafka 4.1 cannot tell.
    pub id_pattern: Option<String>,
}

/// A transactional id in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionListing {
    /// Transactional id.
    pub transactional_id: String,
    /// Node id of its coordinator.
    pub coordinator: i32,
    /// Who has the id.
    pub producer_id: i64,
    /// How its transaction stands, by Kafka's name.
    pub state: String,
}

/// A transactional id, and the transaction that is under way if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Transactional id.
    pub transactional_id: String,
    /// Node id of its coordinator.
    pub coordinator: i32,
    /// How its transaction stands, by Kafka's name.
    pub state: String,
    /// Who has the id.
    pub producer: ProducerIdentity,
    /// How long a transaction may go on, in ms.
    pub timeout_ms: i32,
    /// When the transaction that is under way began, in ms since the epoch; `None` if none is.
    pub start_time_ms: Option<i64>,
    /// Partitions that have no marker of its end yet.
    pub partitions: BTreeSet<TopicPartition>,
}

/// Who a producer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdentity {
    /// Producer id.
    pub id: i64,
    /// Producer epoch.
    pub epoch: i16,
}

impl Admin {
    /// The transactional ids of all brokers that pass a filter, by id.
    pub async fn transactions(
        &mut self,
        filter: &TransactionFilter,
    ) -> Result<Vec<TransactionListing>, ClientError> {
        let nodes: Vec<i32> = self.cluster.brokers.keys().copied().collect();
        let mut listings = Vec::new();
        for node in nodes {
            let response = self.transactions_of(node, filter).await?;
            // States that the broker does not know are not looked at: it has no transaction in them.
            let found = response.transaction_states.iter();
            listings.extend(found.map(|one| TransactionListing {
                transactional_id: one.transactional_id.to_string(),
                coordinator: node,
                producer_id: one.producer_id,
                state: one.transaction_state.to_string(),
            }));
        }
        for listing in &listings {
            let of = Coordinated::transactions(&listing.transactional_id);
            self.coordinators.insert(of, listing.coordinator);
        }
        listings.sort_by(|one, other| one.transactional_id.cmp(&other.transactional_id));
        Ok(listings)
    }

    async fn transactions_of(
        &mut self,
        node: i32,
        filter: &TransactionFilter,
    ) -> Result<ListTransactionsResponse, ClientError> {
        let request = ListTransactionsRequest {
            state_filters: filter.states.iter().map(Text::from).collect(),
            producer_id_filters: filter.producer_ids.clone(),
            duration_filter: filter.longer_than_ms.unwrap_or(-1),
            transactional_id_pattern: filter.id_pattern.as_ref().map(Text::from),
        };
        let usable = match (&filter.id_pattern, filter.longer_than_ms) {
            (Some(_), _) => 2..=i16::MAX,
            (None, Some(_)) => 1..=i16::MAX,
            (None, None) => ANY_VERSION,
        };
        let patience = Patience::new();
        loop {
            let response = self.call_node(node, &request, usable.clone()).await?;
            match Refusal::check(response.error_code, None) {
                Ok(()) => return Ok(response),
                Err(refusal) if refusal.is_retriable() && patience.wait().await => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }

    /// A transactional id; `None` if there is no such id.
    pub async fn transaction(
        &mut self,
        transactional_id: &str,
    ) -> Result<Option<Transaction>, ClientError> {
        let request = DescribeTransactionsRequest {
            transactional_ids: vec![Text::from(transactional_id)],
        };
        let code = |response: &DescribeTransactionsResponse| {
            let found = response.transaction_states.first();
            found.map_or(-1, |found| found.error_code)
        };
        let of = Coordinated::transactions(transactional_id);
        let called = self.call_coordinator(&of, &request, ANY_VERSION, code);
        let (coordinator, response) = called.await?;
        match Refusal::check(code(&response), None) {
            Err(refusal) if refusal.is(ErrorCode::TransactionalIdNotFound) => return Ok(None),
            checked => checked?,
        }
        let found = response.transaction_states.into_iter().next();
        Ok(found.map(|found| transaction(coordinator, found)))
    }

    /// Aborts the transaction that is under way under a transactional id, as a new instance of its producer
    /// would: whoever had the id is fenced. Who has it from then on.
    pub async fn abort_transaction(
        &mut self,
        transaction: &Transaction,
    ) -> Result<ProducerIdentity, ClientError> {
        let request = InitProducerIdRequest {
            transactional_id: Some(Text::from(&transaction.transactional_id)),
            // The id keeps what it is given here.
            transaction_timeout_ms: transaction.timeout_ms,
            ..InitProducerIdRequest::default()
        };
        let code = |response: &InitProducerIdResponse| response.error_code;
        let of = Coordinated::transactions(&transaction.transactional_id);
        let patience = Patience::new();
        loop {
            let called = self.call_coordinator(&of, &request, ANY_VERSION, code);
            let (_, response) = called.await?;
            match Refusal::check(response.error_code, None) {
                Ok(()) => {
                    return Ok(ProducerIdentity {
                        id: response.producer_id,
                        epoch: response.producer_epoch,
                    });
                }
                // Until all markers are written.
                Err(refusal) if refusal.is(ErrorCode::ConcurrentTransactions) => {
                    if !patience.wait().await {
                        return Err(refusal.into());
                    }
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }
}

fn transaction(coordinator: i32, found: describe::TransactionState) -> Transaction {
    let start_time_ms = found.transaction_start_time_ms;
    let partitions = found.topics.iter().flat_map(|topic| {
        let indexes = topic.partitions.iter();
        indexes.map(|index| TopicPartition::new(topic.topic.as_str(), *index))
    });
    Transaction {
        transactional_id: found.transactional_id.to_string(),
        coordinator,
        state: found.transaction_state.to_string(),
        producer: ProducerIdentity {
            id: found.producer_id,
            epoch: found.producer_epoch,
        },
        timeout_ms: found.transaction_timeout_ms,
        start_time_ms: (start_time_ms >= 0).then_some(start_time_ms),
        partitions: partitions.collect(),
    }
}
