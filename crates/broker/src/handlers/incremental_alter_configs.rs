//! IncrementalAlterConfigs (key 44), versions 0 and 1 (KIP-339): changes settings one by one.
//!
//! - Topics (2), this broker (4) by its node id or all brokers by an empty name, and groups (32), which
//!   need not exist. Other resources do not exist here: INVALID_REQUEST.
//! - Each resource's changes are made together or not at all; answered when they are durable, and in
//!   force then, on live logs as well.
//! - SET 0, DELETE 1 (back to the default), APPEND 2 and SUBTRACT 3 (lists only). The same setting
//!   twice, a null value, an unknown operation, or the same resource twice: INVALID_REQUEST.
//! - A setting whose behaviour does not exist here is refused with its name (INVALID_CONFIG), unless
//!   it gets its default. Deleting an unknown setting succeeds: it is not set.
//! - Most of the broker's settings are read when it starts; a change of these, and any value that the
//!   broker cannot have: INVALID_REQUEST, which is Kafka's code for it. What was set for one broker is
//!   stronger than what was set for all, and both than what the broker was given at its start.
//! - The broker's own topics keep their settings: POLICY_VIOLATION.

use metadata::{AlterConfig, AlterOperation, plan_alter_configs};
use model::ErrorCode;
use wire::Text;
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use crate::context::RequestContext;
use crate::errors;
use crate::handlers::support::resources::resource as resource_of;
use crate::handlers::support::{Refusal, change_each, repeated};

/// Changes the settings, or checks whether they could be changed.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let twice = repeated(request.resources.iter().map(key));
    let settings = &ctx.broker.metadata.published().settings;
    let outcomes = change_each(
        &ctx,
        request.resources,
        request.validate_only,
        |image, resource| {
            if twice.contains(&key(resource)) {
                let message = "the resource is named twice in this request";
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            }
            let target = resource_of(&ctx, resource.resource_type, &resource.resource_name)?;
            let changes: Vec<_> = resource
                .configs
                .iter()
                .map(change)
                .collect::<Result<_, _>>()?;
            let record =
                plan_alter_configs(image, settings, target, &changes).map_err(|error| {
                    Refusal::new(errors::of_alter_configs(&error), error.to_string())
                })?;
            Ok((record, ()))
        },
    );
    let responses = outcomes.await.into_iter().map(|(resource, outcome)| {
        let (error_code, error_message) = match outcome {
            Ok(()) => (ErrorCode::None, None),
            Err(refusal) => (refusal.code, refusal.text()),
        };
        AlterConfigsResourceResponse {
            error_code: error_code.code(),
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
        }
    });
    IncrementalAlterConfigsResponse {
        responses: responses.collect(),
        ..IncrementalAlterConfigsResponse::default()
    }
}

fn key(resource: &AlterConfigsResource) -> (i8, Text) {
    (resource.resource_type, resource.resource_name.clone())
}

fn change(config: &AlterableConfig) -> Result<AlterConfig, Refusal> {
    let name = config.name.to_string();
    let value = || match &config.value {
        Some(value) => Ok(value.to_string()),
        None => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            format!("config {name} has no value"),
        )),
    };
    let operation = match config.config_operation {
        0 => AlterOperation::Set(value()?),
        1 => AlterOperation::Delete,
        2 => AlterOperation::Append(value()?),
        3 => AlterOperation::Subtract(value()?),
        other => {
            return Err(Refusal::new(
                ErrorCode::InvalidRequest,
                format!("config {name}: there is no operation {other}"),
            ));
        }
    };
    Ok(AlterConfig { name, operation })
}
