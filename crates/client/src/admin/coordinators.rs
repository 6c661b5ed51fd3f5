//! Coordinators: the brokers that look after groups and transactional ids.

use std::ops::RangeInclusive;

use model::ErrorCode;
use wire::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use wire::messages::heartbeat::HeartbeatRequest;
use wire::{Request, Text};

use super::{ANY_VERSION, Admin, Broker, Patience};
use crate::brokers::Address;
use crate::error::{ClientError, Refusal};

/// What has a coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Coordinated {
    /// A group, by its id.
    Group(String),
    /// The transactions of a transactional id.
    Transactions(String),
}

impl Coordinated {
    pub(super) fn group(id: &str) -> Self {
        Self::Group(id.to_owned())
    }

    pub(super) fn transactions(transactional_id: &str) -> Self {
        Self::Transactions(transactional_id.to_owned())
    }

    /// How FindCoordinator asks for it: its key, the type of that, and the versions that have the type.
    fn key(&self) -> (&str, i8, RangeInclusive<i16>) {
        match self {
            Self::Group(id) => (id, 0, ANY_VERSION),
            Self::Transactions(id) => (id, 1, 1..=i16::MAX),
        }
    }
}

impl Admin {
    /// Where the coordinator of a group is, once it has loaded what it knows of its groups.
    pub async fn group_coordinator(&mut self, group: &str) -> Result<Address, ClientError> {
        // Nobody's heartbeat: it is refused by whoever coordinates the group, and changes nothing.
        let request = HeartbeatRequest {
            group_id: Text::from(group),
            ..HeartbeatRequest::default()
        };
        let of = Coordinated::group(group);
        let (node, _) = self
            .call_coordinator(&of, &request, ANY_VERSION, |answer| answer.error_code)
            .await?;
        Ok(self.address_of(node))
    }

    /// Asks a coordinator, again while it loads or moves. `code` finds the error in the answer.
    pub(super) async fn call_coordinator<R: Request>(
        &mut self,
        of: &Coordinated,
        request: &R,
        usable: RangeInclusive<i16>,
        code: impl Fn(&R::Response) -> i16,
    ) -> Result<(i32, R::Response), ClientError> {
        let patience = Patience::new();
        loop {
            let coordinator = self.coordinator(of, &patience).await?;
            let response = self.call_node(coordinator, request, usable.clone()).await?;
            let moves = matches!(
                ErrorCode::from_code(code(&response)),
                Some(
                    ErrorCode::CoordinatorLoadInProgress
                        | ErrorCode::CoordinatorNotAvailable
                        | ErrorCode::NotCoordinator
                )
            );
            if !moves || !patience.wait().await {
                return Ok((coordinator, response));
            }
            self.coordinators.remove(of);
        }
    }

    /// Node id of a coordinator.
    async fn coordinator(
        &mut self,
        of: &Coordinated,
        patience: &Patience,
    ) -> Result<i32, ClientError> {
        if let Some(node) = self.coordinators.get(of) {
            return Ok(*node);
        }
        let (key, key_type, usable) = of.key();
        let request = FindCoordinatorRequest {
            key: Text::from(key),
            key_type,
            coordinator_keys: vec![Text::from(key)],
        };
        loop {
            let response = self.call_node(-1, &request, usable.clone()).await?;
            match found_coordinator(&response) {
                Ok((node, broker)) => {
                    self.cluster.brokers.entry(node).or_insert(broker);
                    self.coordinators.insert(of.clone(), node);
                    return Ok(node);
                }
                Err(refusal) if refusal.is_retriable() && patience.wait().await => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }
}

fn found_coordinator(response: &FindCoordinatorResponse) -> Result<(i32, Broker), Refusal> {
    let (code, message, node, host, port) = match response.coordinators.first() {
        Some(one) => (
            one.error_code,
            &one.error_message,
            one.node_id,
            &one.host,
            one.port,
        ),
        None => (
            response.error_code,
            &response.error_message,
            response.node_id,
            &response.host,
            response.port,
        ),
    };
    Refusal::check(code, message.as_deref())?;
    let address = Address {
        host: host.to_string(),
        port: u16::try_from(port).unwrap_or_default(),
    };
    Ok((
        node,
        Broker {
            address,
            rack: None,
        },
    ))
}
