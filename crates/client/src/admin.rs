//! What administrators ask a cluster, over our own connection.
//!
//! librdkafka lacks some of it (sources of settings, leader epochs, offsets of groups without
//! members), so all of it goes through the messages of the `wire` crate: one road, one set of error
//! texts. Requests go to the broker that must answer them: the controller, the coordinator of a
//! group, the leader of a partition.

mod configs;
mod coordinators;
mod groups;
mod hung_transactions;
mod list_offsets;
mod log_dirs;
mod partitions;
mod producers;
mod quotas;
mod records;
mod topics;
mod transactions;

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use wire::Request;
use wire::messages::metadata::{MetadataRequest, MetadataResponse, MetadataResponseBroker};

pub(crate) use groups::{encode_assignment, encode_subscription, read_assignment};

pub use configs::{ConfigChange, ConfigEntry, ConfigOperation, ConfigResource};
pub use groups::{Group, GroupListing, Member};
pub use log_dirs::LogDir;
pub use producers::{ActiveProducer, ActiveProducers};
pub use quotas::{Quota, QuotaMatch, QuotaPart};
pub use records::Trimmed;
pub use topics::{NewTopic, Partition, Topic};
pub use transactions::{ProducerIdentity, Transaction, TransactionFilter, TransactionListing};

use self::coordinators::Coordinated;
use crate::brokers::{Address, Brokers};
use crate::connection::Connection;
use crate::error::ClientError;

/// How long something that passes, such as a coordinator that still loads, is asked again.
const RETRY_FOR: Duration = Duration::from_secs(15);

/// The pause between two tries.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Every version that the codec knows.
const ANY_VERSION: RangeInclusive<i16> = 0..=i16::MAX;

/// The outcome for one of several things that were asked for together.
pub type Outcome = Result<(), crate::error::Refusal>;

/// The brokers of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Cluster id, if the cluster has one.
    pub id: Option<String>,
    /// Node that takes administrative requests, if it is known.
    pub controller_id: Option<i32>,
    /// The brokers, by node id.
    pub brokers: BTreeMap<i32, Broker>,
}

/// A broker, as it is advertised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Where clients reach it.
    pub address: Address,
    /// Its rack, if it has one.
    pub rack: Option<String>,
}

/// Connections to the brokers of a cluster; opened when they are needed.
#[derive(Debug)]
pub struct Admin {
    connections: HashMap<Address, Connection>,
    first: Address,
    cluster: Cluster,
    /// Node ids of coordinators, as last heard.
    coordinators: HashMap<Coordinated, i32>,
}

impl Admin {
    /// Connects to the first broker of the list that answers, and learns who else there is.
    pub async fn connect(bootstrap: &Brokers) -> Result<Self, ClientError> {
        let mut attempts = Vec::new();
        for address in bootstrap.addresses() {
            match Connection::open(address).await {
                Ok(connection) => {
                    let mut admin = Self {
                        connections: HashMap::from([(address.clone(), connection)]),
                        first: address.clone(),
                        cluster: Cluster {
                            id: None,
                            controller_id: None,
                            brokers: BTreeMap::new(),
                        },
                        coordinators: HashMap::new(),
                    };
                    // No topics: an empty list asks for none from version 1 on.
                    let request = MetadataRequest {
                        topics: Some(Vec::new()),
                        allow_auto_topic_creation: false,
                        ..MetadataRequest::default()
                    };
                    admin.metadata(&request).await?;
                    return Ok(admin);
                }
                Err(ClientError::Unreachable(reasons)) => attempts.extend(reasons),
                // A peer that answers nonsense is a mistake to report, not one to pass over.
                Err(error) if bootstrap.addresses().len() == 1 => return Err(error),
                Err(error) => attempts.push((address.clone(), error.to_string())),
            }
        }
        Err(ClientError::Unreachable(attempts))
    }

    /// The brokers, as last heard.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Asks any broker about topics, and notes the brokers that the answer names.
    async fn metadata(
        &mut self,
        request: &MetadataRequest,
    ) -> Result<MetadataResponse, ClientError> {
        let address = self.first.clone();
        let response = self.call_at(&address, request, 1..=i16::MAX).await?;
        crate::error::Refusal::check(response.error_code, None)?;
        let broker = |broker: &MetadataResponseBroker| Broker {
            address: Address {
                host: broker.host.to_string(),
                port: u16::try_from(broker.port).unwrap_or_default(),
            },
            rack: broker.rack.as_ref().map(ToString::to_string),
        };
        let brokers = response.brokers.iter();
        self.cluster = Cluster {
            id: response.cluster_id.as_ref().map(ToString::to_string),
            controller_id: (response.controller_id >= 0).then_some(response.controller_id),
            brokers: brokers.map(|one| (one.node_id, broker(one))).collect(),
        };
        Ok(response)
    }

    /// Asks the broker at an address.
    async fn call_at<R: Request>(
        &mut self,
        address: &Address,
        request: &R,
        usable: RangeInclusive<i16>,
    ) -> Result<R::Response, ClientError> {
        let mut connection = match self.connections.remove(address) {
            Some(connection) => connection,
            None => Connection::open(address).await?,
        };
        let answer = connection.call(request, usable).await;
        // After a failed exchange an answer may still be on its way: such a connection is dropped.
        let is_clean = matches!(answer, Ok(_) | Err(ClientError::Unsupported { .. }));
        if is_clean {
            self.connections.insert(address.clone(), connection);
        }
        answer
    }

    /// Where the broker with this node id is; the first one if the cluster did not name it.
    fn address_of(&self, node_id: i32) -> Address {
        let broker = self.cluster.brokers.get(&node_id);
        broker.map_or(&self.first, |broker| &broker.address).clone()
    }

    /// Asks the broker with this node id.
    async fn call_node<R: Request>(
        &mut self,
        node_id: i32,
        request: &R,
        usable: RangeInclusive<i16>,
    ) -> Result<R::Response, ClientError> {
        let address = self.address_of(node_id);
        self.call_at(&address, request, usable).await
    }

    /// Asks the controller. A Kafka broker passes such a request on by itself, so that any of them
    /// will do where no controller is known.
    async fn call_controller<R: Request>(
        &mut self,
        request: &R,
        usable: RangeInclusive<i16>,
    ) -> Result<R::Response, ClientError> {
        let controller_id = self.cluster.controller_id.unwrap_or(-1);
        self.call_node(controller_id, request, usable).await
    }
}

/// Counts the time in which something that passes is tried again.
#[derive(Debug)]
struct Patience(Instant);

impl Patience {
    fn new() -> Self {
        Self(Instant::now() + RETRY_FOR)
    }

    /// Waits a little and answers true, or answers false when it is time to give up.
    async fn wait(&self) -> bool {
        let again = Instant::now() < self.0;
        if again {
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        again
    }
}
