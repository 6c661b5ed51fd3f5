//! Topics have the settings they were made with.

use std::time::Duration;

use anyhow::Context as _;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;

use super::history::History;
use crate::findings::{Findings, Violation};
use crate::plan::Plan;
use crate::reading::client_config;

/// How long the broker may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Asks the broker for the settings of all topics that are there.
pub(super) fn compare(
    plan: &Plan,
    history: &History,
    bootstrap: &str,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let client: AdminClient<DefaultClientContext> = client_config(bootstrap).create()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let options = AdminOptions::new().request_timeout(Some(ANSWER_LIMIT));
    let topics = plan.topics.iter().enumerate();
    for (_, topic) in topics.filter(|(index, _)| history.living(*index).is_some()) {
        let resource = ResourceSpecifier::Topic(&topic.name);
        let answer = runtime.block_on(client.describe_configs([&resource], &options));
        let found = answer
            .with_context(|| format!("the settings of {}", topic.name))?
            .into_iter()
            .next()
            .context("an answer for the topic")?;
        for (name, wanted) in &topic.settings {
            let found = match &found {
                Ok(resource) => resource.get(name).and_then(|entry| entry.value.clone()),
                Err(error) => Some(error.to_string()),
            };
            if found.as_ref() != Some(wanted) {
                let text = format!(
                    "topic {} was made with {name}={wanted} and has {found:?}",
                    topic.name
                );
                findings.add(Violation::TopicLost, text);
            }
        }
    }
    Ok(())
}
