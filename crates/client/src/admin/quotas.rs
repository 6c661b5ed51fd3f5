//! Quotas of clients.

use wire::Text;
use wire::messages::alter_client_quotas::{
    self as alter, AlterClientQuotasRequest, EntityData, OpData,
};
use wire::messages::describe_client_quotas::{
    self as describe, ComponentData, DescribeClientQuotasRequest,
};

use super::{ANY_VERSION, Admin};
use crate::error::{ClientError, Refusal};

/// A part of what quotas are set for, such as a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuotaPart {
    /// What it is: `user`, `client-id` or `ip`.
    pub kind: String,
    /// Its name; `None` for all that have no quotas by name.
    pub name: Option<String>,
}

/// What a part has to be like to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaMatch {
    /// Exactly this.
    Exactly(QuotaPart),
    /// A part of this kind, whatever its name.
    Any(String),
}

/// A quota.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// Whom it is for.
    pub entity: Vec<QuotaPart>,
    /// What it limits, such as `producer_byte_rate`.
    pub key: String,
    /// How much of that.
    pub limit: f64,
}

impl Admin {
    /// The quotas of all entities that have these parts; with `is_strict` no others.
    pub async fn quotas(
        &mut self,
        parts: &[QuotaMatch],
        is_strict: bool,
    ) -> Result<Vec<Quota>, ClientError> {
        let request = DescribeClientQuotasRequest {
            components: parts.iter().map(component).collect(),
            strict: is_strict,
        };
        let response = self.call_node(-1, &request, ANY_VERSION).await?;
        Refusal::check(response.error_code, response.error_message.as_deref())?;
        let entries = response.entries.unwrap_or_default();
        let mut quotas: Vec<_> = entries.iter().flat_map(quotas_of).collect();
        quotas.sort_by(|one, other| (&one.entity, &one.key).cmp(&(&other.entity, &other.key)));
        Ok(quotas)
    }

    /// Changes quotas of one entity, all or none: each gets its limit, or is removed if that is `None`.
    /// With `validate_only` just checks whether that would succeed.
    pub async fn alter_quotas(
        &mut self,
        entity: &[QuotaPart],
        changes: &[(String, Option<f64>)],
        validate_only: bool,
    ) -> Result<(), ClientError> {
        let parts = entity.iter().map(|part| EntityData {
            entity_type: Text::from(&part.kind),
            entity_name: part.name.as_ref().map(Text::from),
        });
        let ops = changes.iter().map(|(key, limit)| OpData {
            key: Text::from(key),
            value: limit.unwrap_or_default(),
            remove: limit.is_none(),
        });
        let request = AlterClientQuotasRequest {
            entries: vec![alter::EntryData {
                entity: parts.collect(),
                ops: ops.collect(),
            }],
            validate_only,
        };
        let response = self.call_controller(&request, ANY_VERSION).await?;
        let outcome = match response.entries.first() {
            Some(entry) => Refusal::check(entry.error_code, entry.error_message.as_deref()),
            None => Refusal::check(-1, None),
        };
        Ok(outcome?)
    }
}

fn component(part: &QuotaMatch) -> ComponentData {
    let (kind, match_type, match_name) = match part {
        QuotaMatch::Exactly(part) => match &part.name {
            Some(name) => (&part.kind, 0, Some(Text::from(name))),
            None => (&part.kind, 1, None),
        },
        QuotaMatch::Any(kind) => (kind, 2, None),
    };
    ComponentData {
        entity_type: Text::from(kind),
        match_type,
        match_name,
    }
}

fn quotas_of(entry: &describe::EntryData) -> impl Iterator<Item = Quota> {
    let parts = entry.entity.iter().map(|part| QuotaPart {
        kind: part.entity_type.to_string(),
        name: part.entity_name.as_ref().map(ToString::to_string),
    });
    let mut entity: Vec<_> = parts.collect();
    entity.sort();
    let values = entry.values.iter();
    values.map(move |value| Quota {
        entity: entity.clone(),
        key: value.key.to_string(),
        limit: value.value,
    })
}
