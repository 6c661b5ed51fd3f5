//! The tables: one row per setting, sorted by what they are about. Everything else in this crate
//! derives from them.

mod broker;
mod broker_groups;
mod broker_log;
mod dynamic;
mod group;
mod topic;

use crate::definition::{Definition, Scope};

pub(crate) use dynamic::DYNAMIC;

/// Largest `max.message.bytes`: a batch travels in one round of the write-ahead log, and a round
/// has to fit into half a slot of 64 MiB.
pub const MESSAGE_BYTES_MAX: i64 = 32 * 1024 * 1024;

/// Most partitions one topic can have.
pub const TOPIC_PARTITIONS_MAX: i32 = 10_000;

/// Every setting of a scope.
pub fn definitions(scope: Scope) -> impl Iterator<Item = &'static Definition> {
    let tables: &'static [&'static [Definition]] = match scope {
        Scope::Topic => &[topic::TOPIC],
        Scope::Broker => &[
            broker::BROKER,
            broker_log::BROKER_LOG,
            broker_groups::BROKER_GROUPS,
        ],
        Scope::Group => &[group::GROUP],
    };
    tables.iter().flat_map(|table| table.iter())
}

/// The setting with this name, if it is known.
pub fn definition(scope: Scope, name: &str) -> Option<&'static Definition> {
    definitions(scope).find(|definition| definition.name == name)
}

/// The known setting whose name is most like this one. A topic's setting asked of the broker finds
/// the broker setting that gives its default.
pub fn nearest(scope: Scope, name: &str) -> Option<&'static str> {
    if scope == Scope::Broker
        && let Some(synonym) = definition(Scope::Topic, name).and_then(|d| d.synonyms.first())
    {
        return Some(synonym.name);
    }
    nearest_of(name, definitions(scope).map(|definition| definition.name))
}

/// The candidate that is most like `name`; the first of several. `None` if there are none.
pub fn nearest_of<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .min_by_key(|candidate| strsim::damerau_levenshtein(name, candidate))
}
