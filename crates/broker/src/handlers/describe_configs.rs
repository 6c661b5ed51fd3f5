//! DescribeConfigs (key 32), versions 1 to 4: settings, their values, and where these come from.
//!
//! - Topics (2), this broker (4) and groups (32), which need not exist. The broker's name is its node
//!   id; an empty one stands for what requests have set for all brokers. Other resources (loggers,
//!   client metrics) do not exist here: INVALID_REQUEST.
//! - Every known setting is listed, those whose behaviour does not exist with their default. No
//!   setting is sensitive. Those of the broker's that are read when it starts are read-only.
//! - Where clients find the broker and where it keeps everything, which are not among the settings of
//!   Kafka that can be given, are shown under Kafka's names for them to whoever asks for this broker.
//! - The broker's own topics are shown with the settings that hold for them, all read-only.
//! - A resource that is named twice is answered once.
//! - Null keys ask for all settings, and so does an empty list, as in Kafka. Keys that are not known
//!   are left out.
//! - v1 (KIP-226): sources and synonyms. v3 (KIP-569): types and documentation.

use config::{Described, DescribedSynonym, Kind, Source};
use metadata::Resource;
use model::ErrorCode;
use wire::Text;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};

use crate::context::RequestContext;
use crate::handlers::support::resources::resource;
use crate::handlers::support::{Refusal, keep_first_of_each};
use crate::log_configs;
use crate::settings::Settings;

/// Lists the settings of each resource.
pub(crate) fn handle(
    ctx: &RequestContext,
    mut request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    keep_first_of_each(&mut request.resources, |resource| {
        (resource.resource_type, resource.resource_name.clone())
    });
    let with_synonyms = request.include_synonyms;
    let with_documentation = request.include_documentation;
    let results = request.resources.into_iter().map(|resource| {
        let DescribeConfigsResource {
            resource_type,
            resource_name,
            configuration_keys,
        } = resource;
        let listed = match settings(ctx, resource_type, &resource_name) {
            Ok(listed) => listed,
            Err(refusal) => {
                return DescribeConfigsResult {
                    error_code: refusal.code.code(),
                    error_message: refusal.text(),
                    resource_type,
                    resource_name,
                    configs: Vec::new(),
                };
            }
        };
        let asked = configuration_keys.filter(|keys| !keys.is_empty());
        let is_asked = |described: &Described| match &asked {
            None => true,
            Some(keys) => keys.iter().any(|key| *key == described.name),
        };
        let configs = listed
            .into_iter()
            .filter(is_asked)
            .map(|described| answer(described, with_synonyms, with_documentation));
        DescribeConfigsResult {
            error_code: ErrorCode::None.code(),
            error_message: None,
            resource_type,
            resource_name,
            configs: configs.collect(),
        }
    });
    DescribeConfigsResponse {
        results: results.collect(),
        ..DescribeConfigsResponse::default()
    }
}

fn settings(ctx: &RequestContext, kind: i8, name: &str) -> Result<Vec<Described>, Refusal> {
    let published = ctx.broker.metadata.published();
    let settings = &published.settings;
    match resource(ctx, kind, name)? {
        Resource::Topic(name) => {
            let topic = published
                .topics
                .by_name(name)
                .map_err(|code| Refusal::new(code, format!("there is no topic '{name}'")))?;
            if !topic.is_internal() {
                return Ok(settings.describe_topic(&topic.metadata.configs));
            }
            let mut listed = settings.describe_topic(&log_configs::internal(settings));
            for described in &mut listed {
                described.read_only = true;
            }
            Ok(listed)
        }
        Resource::AllBrokers => Ok(settings.describe_all_brokers()),
        Resource::Broker(_) => {
            let mut listed = settings.describe_broker();
            listed.extend(places(&ctx.broker.settings));
            listed.sort_by_key(|described| described.name);
            Ok(listed)
        }
        Resource::Group(group_id) => {
            Ok(settings.describe_group(published.image.group_configs(group_id)))
        }
    }
}

/// Where the broker is found and where it keeps everything.
fn places(settings: &Settings) -> [Described; 2] {
    let given = |name, value: String, documentation| Described {
        name,
        value: Some(value.clone()),
        source: Source::StaticBroker,
        read_only: true,
        kind: Kind::List,
        synonyms: vec![DescribedSynonym {
            name,
            value: Some(value),
            source: Source::StaticBroker,
        }],
        documentation,
    };
    [
        given(
            "advertised.listeners",
            settings.advertised_listener(),
            "The address that clients are told to connect to.",
        ),
        given(
            "log.dirs",
            settings.log_dir(),
            "The directory that holds everything.",
        ),
    ]
}

fn answer(
    described: Described,
    with_synonyms: bool,
    with_documentation: bool,
) -> DescribeConfigsResourceResult {
    let synonyms = described.synonyms.into_iter().filter(|_| with_synonyms);
    let synonyms = synonyms.map(|synonym| DescribeConfigsSynonym {
        name: Text::from(synonym.name),
        value: synonym.value.map(Text::from),
        source: synonym.source.code(),
    });
    DescribeConfigsResourceResult {
        name: Text::from(described.name),
        value: described.value.map(Text::from),
        read_only: described.read_only,
        config_source: described.source.code(),
        is_sensitive: false,
        synonyms: synonyms.collect(),
        config_type: described.kind.code(),
        documentation: with_documentation.then(|| Text::from(described.documentation)),
    }
}
