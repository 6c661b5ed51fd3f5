//! Quotas of clients: whom they are set for, and what they can be (KIP-13, KIP-124, KIP-599).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a client is limited in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuotaKey {
    /// Bytes of Produce requests per second.
    ProducerByteRate,
    /// Bytes of records that are fetched per second.
    ConsumerByteRate,
    /// Time that is worked on its requests, in percent of one thread.
    RequestPercentage,
    /// Partitions that it creates and deletes per second.
    ControllerMutationRate,
}

impl QuotaKey {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::ProducerByteRate,
        Self::ConsumerByteRate,
        Self::RequestPercentage,
        Self::ControllerMutationRate,
    ];

    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProducerByteRate => "producer_byte_rate",
            Self::ConsumerByteRate => "consumer_byte_rate",
            Self::RequestPercentage => "request_percentage",
            Self::ControllerMutationRate => "controller_mutation_rate",
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Whether a limit is a number of bytes, which come in whole.
    const fn is_whole(self) -> bool {
        matches!(self, Self::ProducerByteRate | Self::ConsumerByteRate)
    }
}

/// A limit: a finite number above zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct QuotaLimit(f64);

// Not without equality: it is finite.
impl Eq for QuotaLimit {}

impl QuotaLimit {
    /// The limit of this size, if it can be one at all.
    pub fn new(limit: f64) -> Option<Self> {
        (limit.is_finite() && limit > 0.0).then_some(Self(limit))
    }

    /// How much it is, in the unit of its key.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The limit of this size for this key.
    fn checked(key: QuotaKey, limit: f64) -> Result<Self, InvalidQuota> {
        let name = key.name();
        let refuse = |what: &str| Err(InvalidQuota(format!("{name} {what}, not {limit}")));
        let Some(checked) = Self::new(limit) else {
            return refuse("is a finite number above 0");
        };
        if key.is_whole() && limit.fract() != 0.0 {
            return refuse("is a whole number of bytes");
        }
        if key.is_whole() && limit > i64::MAX as f64 {
            return refuse("is at most 9223372036854775807");
        }
        Ok(checked)
    }
}

/// Which users, or which client ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityName {
    /// Each of those that nothing is set for by name.
    Default,
    /// The one with this name.
    Named(String),
}

/// Whom a quota is set for: users, client ids, or client ids of users. Never nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaEntity {
    /// Which users, if it matters.
    pub user: Option<EntityName>,
    /// Which client ids, if it matters.
    pub client_id: Option<EntityName>,
}

/// The quotas of one entity.
pub type Quotas = BTreeMap<QuotaKey, QuotaLimit>;

/// The quotas of all entities that have some.
pub type ClientQuotas = BTreeMap<QuotaEntity, Quotas>;

/// Why quotas are left as they are, in words for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidQuota(String);

impl fmt::Display for InvalidQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidQuota {}

/// The parts of an entity, as requests name them.
pub(crate) const USER: &str = "user";
pub(crate) const CLIENT_ID: &str = "client-id";
const IP: &str = "ip";

impl QuotaEntity {
    /// The entity of these parts: a type, and a name or `None` for the default.
    pub fn of_parts<'a>(
        parts: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, InvalidQuota> {
        let refuse = |message: String| Err(InvalidQuota(message));
        let mut entity = Self::default();
        for (kind, name) in parts {
            let part = match kind {
                USER => &mut entity.user,
                CLIENT_ID => &mut entity.client_id,
                IP => return refuse("there are no quotas of addresses here".to_owned()),
                other => return refuse(format!("'{other}' is no type of entity")),
            };
            let name = match name {
                None => EntityName::Default,
                Some("") => return refuse(format!("the {kind} has no name")),
                Some(name) => EntityName::Named(name.to_owned()),
            };
            if part.replace(name).is_some() {
                return refuse(format!("the entity has two parts of the type {kind}"));
            }
        }
        match entity.is_nobody() {
            true => refuse("the entity has no parts".to_owned()),
            false => Ok(entity),
        }
    }

    /// The parts of the entity: type, and name or `None` for the default.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        [(USER, &self.user), (CLIENT_ID, &self.client_id)]
            .into_iter()
            .filter_map(|(kind, part)| {
                let name = match part.as_ref()? {
                    EntityName::Default => None,
                    EntityName::Named(name) => Some(name.as_str()),
                };
                Some((kind, name))
            })
    }

    pub(crate) fn is_nobody(&self) -> bool {
        self.user.is_none() && self.client_id.is_none()
    }
}

/// Quotas as a change of them leaves them: a limit is set, or removed where it is `None`. Removing what
/// is not set, or not known, changes nothing.
pub(crate) fn changed<'a>(
    quotas: Option<&Quotas>,
    changes: impl IntoIterator<Item = (&'a str, Option<f64>)>,
) -> Result<Quotas, InvalidQuota> {
    let mut seen = BTreeSet::new();
    let mut quotas = quotas.cloned().unwrap_or_default();
    for (name, limit) in changes {
        if !seen.insert(name) {
            return Err(InvalidQuota(format!("{name} is named twice")));
        }
        match (QuotaKey::from_name(name), limit) {
            (Some(key), Some(limit)) => {
                quotas.insert(key, QuotaLimit::checked(key, limit)?);
            }
            (Some(key), None) => {
                quotas.remove(&key);
            }
            (None, Some(_)) => {
                return Err(InvalidQuota(format!("'{name}' is no quota of a client")));
            }
            (None, None) => {}
        }
    }
    Ok(quotas)
}

/// What a part of an entity must be to be described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameFilter {
    /// This name.
    Named(String),
    /// The default.
    Default,
    /// Whatever: there must be such a part.
    Any,
}

/// Which entities are described.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaFilter {
    /// What users it must be set for.
    pub user: Option<NameFilter>,
    /// What client ids it must be set for.
    pub client_id: Option<NameFilter>,
    /// Whether entities with parts that are not asked for are left out.
    pub is_strict: bool,
}

impl QuotaFilter {
    /// Whether the entity is one of them.
    pub fn matches(&self, entity: &QuotaEntity) -> bool {
        self.matches_part(self.user.as_ref(), entity.user.as_ref())
            && self.matches_part(self.client_id.as_ref(), entity.client_id.as_ref())
    }

    fn matches_part(&self, filter: Option<&NameFilter>, part: Option<&EntityName>) -> bool {
        match (filter, part) {
            (None, None) => true,
            (None, Some(_)) => !self.is_strict,
            (Some(_), None) => false,
            (Some(NameFilter::Any), Some(_)) => true,
            (Some(NameFilter::Default), Some(part)) => *part == EntityName::Default,
            (Some(NameFilter::Named(wanted)), Some(part)) => {
                matches!(part, EntityName::Named(name) if name == wanted)
            }
        }
    }
}
