//! What several handlers have in common.

pub(crate) mod resources;
pub(crate) mod transactional;

use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::Hash;

use metadata::{Image, MetadataRecord};
use model::ErrorCode;
use wire::Text;

use crate::context::RequestContext;
use crate::errors;
use crate::limits::CHANGES_PER_REQUEST_MAX;
use crate::metadata_store::{Plan, UpdateError};

/// Why one item of a request is refused: the code for programs, the sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The sentence as responses hold it.
    pub(crate) fn text(self) -> Option<Text> {
        Some(Text::from(self.message))
    }
}

/// Keeps the first of all items with the same key. A request that names one thing a million times is
/// answered once, as in Kafka: the answer must not grow beyond what there is to tell.
pub(crate) fn keep_first_of_each<T, K: Hash + Eq>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    let mut seen = HashSet::new();
    items.retain(|item| seen.insert(key(item)));
}

/// The keys that occur more than once.
pub(crate) fn repeated<K: Hash + Eq + Clone>(keys: impl IntoIterator<Item = K>) -> HashSet<K> {
    let mut seen = HashSet::new();
    let keys = keys.into_iter();
    keys.filter(|key| !seen.insert(key.clone())).collect()
}

/// Plans a change for each item, each against what those before it have made of the metadata, and
/// carries out all that are not refused as one. Returns when they are durable. With `check_only`
/// nothing is changed.
pub(crate) async fn change_each<I, T>(
    ctx: &RequestContext,
    items: impl IntoIterator<Item = I>,
    check_only: bool,
    mut plan: impl FnMut(&Image, &I) -> Result<(Option<MetadataRecord>, T), Refusal>,
) -> Vec<(I, Result<T, Refusal>)> {
    let mut items: Vec<_> = items.into_iter().collect();
    if items.len() > CHANGES_PER_REQUEST_MAX {
        // Planning goes on under the lock of the metadata, which is not held for as long as a client
        // likes. Kafka refuses as many records in one request with the same code.
        let refused = Refusal::new(ErrorCode::PolicyViolation, "too many in one request");
        return items
            .drain(..)
            .map(|item| (item, Err(refused.clone())))
            .collect();
    }
    let changed = ctx.broker.metadata.update(|image| {
        let mut image = image.clone();
        let mut records = Vec::new();
        let mut planned = |item: &I| {
            let (record, value) = plan(&image, item)?;
            if let Some(record) = record {
                if let Err(error) = image.apply(&record) {
                    panic!("a planned change contradicts the metadata: {error}");
                }
                records.push(record);
            }
            Ok(value)
        };
        let outcomes: Vec<_> = items.iter().map(&mut planned).collect();
        if check_only {
            records.clear();
        }
        Ok::<_, Infallible>(Plan {
            records,
            value: outcomes,
        })
    });
    match changed.await {
        Ok(outcomes) => items.drain(..).zip(outcomes).collect(),
        Err(UpdateError::Refused(never)) => match never {},
        Err(UpdateError::Write(error)) => {
            let code = errors::of_metadata_write(error);
            let refused = Refusal::new(code, "the metadata cannot be written");
            items
                .drain(..)
                .map(|item| (item, Err(refused.clone())))
                .collect()
        }
    }
}

/// The operations that exist for a group, as bits: READ (3), DELETE (6) and DESCRIBE (8).
pub(crate) const GROUP_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8;

/// The operations that exist for a topic, as bits: READ (3), WRITE (4), CREATE (5), DELETE (6),
/// ALTER (7), DESCRIBE (8), DESCRIBE_CONFIGS (10) and ALTER_CONFIGS (11).
pub(crate) const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;

/// The operations that exist for the cluster, as bits: CREATE (5), ALTER (7), DESCRIBE (8),
/// CLUSTER_ACTION (9), DESCRIBE_CONFIGS (10), ALTER_CONFIGS (11) and IDEMPOTENT_WRITE (12).
pub(crate) const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

/// "Not asked for".
pub(crate) const NO_OPERATIONS: i32 = i32::MIN;

/// Puts the outcomes of what was handed on into its places, in order: those without an error so far.
pub(crate) fn fill_in<'a>(
    error_codes: impl Iterator<Item = &'a mut i16>,
    results: Result<Vec<Result<(), ErrorCode>>, ErrorCode>,
) {
    let (mut results, error) = match results {
        Ok(results) => (results.into_iter(), ErrorCode::UnknownServerError),
        Err(error) => (Vec::new().into_iter(), error),
    };
    for error_code in error_codes.filter(|code| **code == ErrorCode::None.code()) {
        let result = results.next().unwrap_or(Err(error));
        *error_code = result.err().unwrap_or(ErrorCode::None).code();
    }
}
