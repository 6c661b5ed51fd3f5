//! AlterConfigs (key 33), versions 0 to 2 (KIP-133): replaces all settings of a resource at once. Old
//! clients and tools know nothing else; IncrementalAlterConfigs is its successor.
//!
//! - A setting that is not named goes back to its default.
//! - Each resource's settings are replaced together or not at all; answered when that is durable, and in
//!   force then, on live logs as well.
//! - The same setting twice, a null value, or the same resource twice: INVALID_REQUEST. What can be set
//!   and on what is as in IncrementalAlterConfigs.

use metadata::plan_replace_configs;
use model::ErrorCode;
use wire::Text;
use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
    AlterableConfig,
};

use crate::context::RequestContext;
use crate::errors;
use crate::handlers::support::resources::resource as resource_of;
use crate::handlers::support::{Refusal, change_each, repeated};

/// Replaces the settings, or checks whether they could be replaced.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let twice = repeated(request.resources.iter().map(key));
    let published = ctx.broker.metadata.published();
    let settings = &published.settings;
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
            let configs: Vec<_> = resource
                .configs
                .iter()
                .map(name_and_value)
                .collect::<Result<_, _>>()?;
            let record =
                plan_replace_configs(image, settings, target, &configs).map_err(|error| {
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
    AlterConfigsResponse {
        responses: responses.collect(),
        ..AlterConfigsResponse::default()
    }
}

fn key(resource: &AlterConfigsResource) -> (i8, Text) {
    (resource.resource_type, resource.resource_name.clone())
}

fn name_and_value(config: &AlterableConfig) -> Result<(String, String), Refusal> {
    match &config.value {
        Some(value) => Ok((config.name.to_string(), value.to_string())),
        None => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            format!("config {} has no value", config.name),
        )),
    }
}
