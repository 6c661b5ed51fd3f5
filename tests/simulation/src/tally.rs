//! How often what happened.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Counts by name. A run in which something never happens proves nothing about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<Cow<'static, str>, u64>,
}

impl Tally {
    /// Counts something.
    pub fn add(&mut self, name: impl Into<Cow<'static, str>>, times: u64) {
        *self.counts.entry(name.into()).or_default() += times;
    }

    /// Counts the steps that the engine has taken on this thread since they were last counted.
    pub(crate) fn add_marks(&mut self) {
        for (mark, times) in storage::take_marks() {
            self.add(mark.name(), times);
        }
    }

    /// How often it happened.
    pub fn of(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or_default()
    }

    /// Adds what happened elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (name, times) in &other.counts {
            self.add(name.clone(), *times);
        }
    }

    /// All of it, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> + '_ {
        self.counts
            .iter()
            .map(|(name, times)| (name.as_ref(), *times))
    }
}
