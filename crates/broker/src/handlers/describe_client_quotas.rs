//! DescribeClientQuotas (key 48), versions 0 and 1 (KIP-546): the quotas of the entities that match.
//!
//! - Only what is set on the entities themselves is told, not what applies to them.
//! - Without components all entities match. With `strict`, an entity that has parts besides those asked
//!   for does not.
//! - There are no quotas of addresses: asking for `ip` alone finds nothing. Together with users or client
//!   ids it is refused (INVALID_REQUEST), as is a type that is named twice; a type that does not exist
//!   gets UNSUPPORTED_VERSION.

use metadata::{NameFilter, QuotaEntity, QuotaFilter, Quotas};
use model::ErrorCode;
use wire::Text;
use wire::messages::describe_client_quotas::{
    ComponentData, DescribeClientQuotasRequest, DescribeClientQuotasResponse, EntityData,
    EntryData, ValueData,
};

use crate::context::RequestContext;
use crate::handlers::support::Refusal;

/// Describes what matches.
pub(crate) fn handle(
    ctx: &RequestContext,
    request: DescribeClientQuotasRequest,
) -> DescribeClientQuotasResponse {
    let found = match filter(&request) {
        Ok(filter) => filter,
        Err(refusal) => {
            return DescribeClientQuotasResponse {
                error_code: refusal.code.code(),
                error_message: refusal.text(),
                entries: None,
                ..DescribeClientQuotasResponse::default()
            };
        }
    };
    let published = ctx.broker.metadata.published();
    let quotas = published.image.client_quotas().iter();
    let entries = match found {
        Some(filter) => quotas
            .filter(|(entity, _)| filter.matches(entity))
            .map(|(entity, quotas)| describe(entity, quotas))
            .collect(),
        None => Vec::new(),
    };
    DescribeClientQuotasResponse {
        error_message: None,
        entries: Some(entries),
        ..DescribeClientQuotasResponse::default()
    }
}

/// What to look for; `None` if there can be no such thing.
fn filter(request: &DescribeClientQuotasRequest) -> Result<Option<QuotaFilter>, Refusal> {
    let mut filter = QuotaFilter {
        is_strict: request.strict,
        ..QuotaFilter::default()
    };
    let mut address = None;
    for component in &request.components {
        let part = match component.entity_type.as_str() {
            "user" => &mut filter.user,
            "client-id" => &mut filter.client_id,
            "ip" => &mut address,
            "" => return invalid("a component has no type"),
            other => {
                let message = format!("'{other}' is no type of entity");
                return Err(Refusal::new(ErrorCode::UnsupportedVersion, message));
            }
        };
        if part.replace(name_filter(component)?).is_some() {
            return invalid("a type is named twice");
        }
    }
    match (address, &filter.user, &filter.client_id) {
        (None, _, _) => Ok(Some(filter)),
        (Some(_), None, None) => Ok(None),
        (Some(_), _, _) => invalid("no entity is an address and something else"),
    }
}

fn name_filter(component: &ComponentData) -> Result<NameFilter, Refusal> {
    match (component.match_type, &component.match_name) {
        (0, Some(name)) => Ok(NameFilter::Named(name.to_string())),
        (1, None) => Ok(NameFilter::Default),
        (2, None) => Ok(NameFilter::Any),
        (0, None) => invalid("a component lacks the name to match"),
        (1 | 2, Some(_)) => invalid("a component has a name that it does not match"),
        (other, _) => invalid(format!("there is no match type {other}")),
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(ErrorCode::InvalidRequest, message))
}

fn describe(entity: &QuotaEntity, quotas: &Quotas) -> EntryData {
    let entity = entity.parts().map(|(kind, name)| EntityData {
        entity_type: Text::from_static(kind),
        entity_name: name.map(Text::from),
    });
    let values = quotas.iter().map(|(key, limit)| ValueData {
        key: Text::from_static(key.name()),
        value: limit.get(),
    });
    EntryData {
        entity: entity.collect(),
        values: values.collect(),
    }
}
