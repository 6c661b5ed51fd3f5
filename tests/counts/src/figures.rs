//! What requests cost, what they may cost, and the difference.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
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

/// What differs from the figures that are committed, a sentence each.
pub(crate) fn differences(found: &Table) -> Result<Vec<String>> {
    let text = fs::read_to_string(path()).with_context(|| format!("read {}", path().display()))?;
    let expected: Map<String, Value> = serde_json::from_str(&text).context("read the figures")?;
    let mut different: Vec<String> = expected
        .keys()
        .filter(|name| !found.contains_key(*name))
        .map(|name| format!("{name}: was not counted"))
        .collect();
    for (name, figures) in found {
        for (figure, count) in figures {
            match expected
                .get(name)
                .and_then(|row| row.get(figure))
                .and_then(Value::as_f64)
            {
                None => different.push(format!("{name}: no {figure} are committed")),
                Some(before) if is_other(before, *count) => different.push(format!(
                    "{name}: {count} {figure}, where {before} are committed ({:+.1} %)",
                    (count / before - 1.0) * 100.0,
                )),
                Some(_) => {}
            }
        }
    }
    Ok(different)
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
}
