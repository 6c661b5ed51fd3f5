//! What requests cost, what they may cost, and the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::json;
use testkit::workspace_directory;

/// By how much a figure may differ from the one that is committed.
const TOLERANCE: f64 = 0.03;

/// Figures that are small may differ by this, whatever part of them it is.
const SLACK: f64 = 0.05;

/// What one request costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    /// Executed, outside the kernel.
    pub(crate) instructions: f64,
    /// Blocks asked for.
    pub(crate) allocations: f64,
    /// Bytes of them, whether or not they were given back.
    pub(crate) allocated_bytes: f64,
}

/// Figures by name, in a table of one kind.
pub(crate) type Table = BTreeMap<String, BTreeMap<String, f64>>;

impl Figures {
    /// By their names.
    pub(crate) fn by_name(self) -> BTreeMap<String, f64> {
        BTreeMap::from([
            ("instructions".to_owned(), self.instructions),
            ("allocations".to_owned(), self.allocations),
            ("allocated bytes".to_owned(), self.allocated_bytes),
        ])
    }
}

/// The file of the figures that are committed.
fn path() -> PathBuf {
    workspace_directory().join("tests/counts/expected.json")
}

/// Makes these the figures to come up to.
pub(crate) fn bless(found: &Table) -> Result<()> {
    let mut text = serde_json::to_string_pretty(&json!(found)).context("as JSON")?;
    text.push('\n');
    fs::write(path(), text).with_context(|| format!("write {}", path().display()))
}

/// The figures that are committed.
pub(crate) fn committed() -> Result<Table> {
    let text = fs::read_to_string(path()).with_context(|| format!("read {}", path().display()))?;
    serde_json::from_str(&text).with_context(|| format!("take {} for figures", path().display()))
}

/// What differs, a sentence each.
pub(crate) fn differences(committed: &Table, found: &Table) -> Vec<String> {
    let (committed, found) = (flat(committed), flat(found));
    let keys: BTreeSet<_> = committed.keys().chain(found.keys()).collect();
    let sentence = |key: &(&str, &str)| {
        let (name, figure) = key;
        match (committed.get(key), found.get(key)) {
            (Some(before), Some(now)) => is_other(*before, *now).then(|| {
                let change = (now / before - 1.0) * 100.0;
                format!("{name}: {now} {figure}, where {before} are committed ({change:+.1} %)")
            }),
            (Some(_), None) => Some(format!("{name}: {figure} are not counted any more")),
            (None, _) => Some(format!("{name}: no {figure} are committed")),
        }
    };
    keys.into_iter().filter_map(sentence).collect()
}

/// The figures by name of the case and of the figure.
fn flat(table: &Table) -> BTreeMap<(&str, &str), f64> {
    let rows = table.iter().flat_map(|(name, figures)| {
        let figures = figures.iter();
        figures.map(|(figure, count)| ((name.as_str(), figure.as_str()), *count))
    });
    rows.collect()
}

fn is_other(before: f64, now: f64) -> bool {
    (now - before).abs() > (before * TOLERANCE).max(SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_in_a_hundred_are_let_pass() {
        assert!(!is_other(1000.0, 1029.0));
        assert!(is_other(1000.0, 1031.0));
        assert!(is_other(1000.0, 969.0));
        assert!(!is_other(0.0, 0.01));
        assert!(is_other(0.0, 1.0));
    }

    #[test]
    fn what_is_missing_on_either_side_is_told() {
        let table = |figures: &[(&str, f64)]| {
            let figures = figures
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count));
            Table::from([("fetch".to_owned(), figures.collect())])
        };
        let committed = table(&[("a", 100.0), ("b", 1.0), ("c", 5.0)]);
        let found = table(&[("a", 110.0), ("c", 5.0), ("d", 2.0)]);
        assert_eq!(
            differences(&committed, &found),
            [
                "fetch: 110 a, where 100 are committed (+10.0 %)",
                "fetch: b are not counted any more",
                "fetch: no d are committed",
            ]
        );
        assert_eq!(differences(&committed, &committed), Vec::<String>::new());
    }
}
