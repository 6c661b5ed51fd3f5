//! AlterClientQuotas (key 49), versions 0 and 1 (KIP-546): sets and removes quotas of users and client ids.
//!
//! - The quotas of each entity change together or not at all; answered when that is durable, and in
//!   force then, on open connections as well.
//! - An entity that occurs twice is refused wherever it occurs, and so is a key that occurs twice for one
//!   entity. All refusals are INVALID_REQUEST.
//! - Removing what is not set is no error. An entity without quotas is gone.
//! - A limit is a finite number above 0, in whole bytes where bytes are counted. There are no quotas of
//!   addresses.

use std::collections::HashSet;

use metadata::{InvalidQuota, QuotaEntity, plan_alter_client_quotas};
use model::ErrorCode;
use wire::messages::alter_client_quotas::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, AnswerData, EntryData,
};

use crate::context::RequestContext;
use crate::handlers::support::{Refusal, change_each, repeated};

/// Changes the quotas, or checks whether they could be changed.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: AlterClientQuotasRequest,
) -> AlterClientQuotasResponse {
    let twice = repeated(request.entries.iter().filter_map(|one| entity(one).ok()));
    let outcomes = change_each(
        &ctx,
        request.entries,
        request.validate_only,
        |image, one| {
            let entity = entity(one).map_err(invalid)?;
            check_once(&twice, &entity)?;
            let changes = one.ops.iter().map(|change| {
                let limit = (!change.remove).then_some(change.value);
                (change.key.as_str(), limit)
            });
            let record = plan_alter_client_quotas(image, &entity, changes).map_err(invalid)?;
            Ok((record, ()))
        },
    );
    let entries = outcomes.await.into_iter().map(|(one, outcome)| {
        let (error_code, error_message) = match outcome {
            Ok(()) => (ErrorCode::None, None),
            Err(refusal) => (refusal.code, refusal.text()),
        };
        AnswerData {
            error_code: error_code.code(),
            error_message,
            entity: one.entity,
        }
    });
    AlterClientQuotasResponse {
        entries: entries.collect(),
        ..AlterClientQuotasResponse::default()
    }
}

fn entity(one: &EntryData) -> Result<QuotaEntity, InvalidQuota> {
    let parts = one.entity.iter();
    QuotaEntity::of_parts(
        parts.map(|part| (part.entity_type.as_str(), part.entity_name.as_deref())),
    )
}

fn check_once(twice: &HashSet<QuotaEntity>, entity: &QuotaEntity) -> Result<(), Refusal> {
    if twice.contains(entity) {
        let message = "the entity is named twice in this request";
        return Err(Refusal::new(ErrorCode::InvalidRequest, message));
    }
    Ok(())
}

fn invalid(error: InvalidQuota) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, error.to_string())
}
