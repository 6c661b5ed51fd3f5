//! Consumer groups: how many there are, and how far they are behind.

use std::collections::BTreeMap;
use std::fmt;

use groups::GroupState;
use model::{GroupId, TopicName};
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::broker::Broker;

/// Writes the metrics of all groups. The lag is told also of groups without members: those are the
/// ones that nobody else watches.
pub(crate) fn encode(encoder: &mut DescriptorEncoder, broker: &Broker) -> fmt::Result {
    let help = "Consumer groups by state";
    let mut metric = encoder.encode_descriptor("groups", help, None, MetricType::Gauge)?;
    for (state, count) in states(broker) {
        metric
            .encode_family(&[("state", state)])?
            .encode_gauge(&count)?;
    }
    let help =
        "Records between a group's committed offsets and the ends of the partitions, by topic";
    let mut metric = encoder.encode_descriptor("group_lag", help, None, MetricType::Gauge)?;
    for ((group_id, topic), lag) in lags(broker) {
        metric
            .encode_family(&[("group", group_id.as_str()), ("topic", topic.as_str())])?
            .encode_gauge(&lag)?;
    }
    Ok(())
}

fn states(broker: &Broker) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<&'static str, u64> = GroupState::ALL
        .into_iter()
        .filter(|state| *state != GroupState::Dead)
        .map(|state| (state.name(), 0))
        .collect();
    broker.groups.visit_groups(|group| {
        *counts.entry(group.state.name()).or_default() += 1;
    });
    counts
}

fn lags(broker: &Broker) -> BTreeMap<(GroupId, TopicName), u64> {
    let published = broker.metadata.published();
    let mut lags: BTreeMap<(GroupId, TopicName), u64> = BTreeMap::new();
    broker
        .groups
        .visit_offsets(|group_id, topic, partition, committed| {
            let found = published.topics.by_name(topic);
            let Ok(log) = found.and_then(|topic| topic.log(partition)) else {
                return;
            };
            let behind = log.view().high_watermark.0.saturating_sub(committed.offset);
            *lags.entry((group_id.clone(), topic.clone())).or_default() +=
                u64::try_from(behind).unwrap_or(0);
        });
    lags
}
