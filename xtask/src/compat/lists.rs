//! `compat/SUITE.kafka`, what Apache Kafka passes, and `compat/SUITE.allow`, what Ottla must pass.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Outcome, Outcomes};

/// How many of a hundred tests that Apache Kafka passes must pass.
const SHARE_PERCENT: usize = 90;

type Names = BTreeSet<String>;

/// The two files of a suite.
pub(super) struct Lists {
    kafka: PathBuf,
    allow: PathBuf,
}

impl Lists {
    pub(super) fn of(directory: &Path, suite: &str) -> Self {
        Self {
            kafka: directory.join(format!("{suite}.kafka")),
            allow: directory.join(format!("{suite}.allow")),
        }
    }

    pub(super) fn kafka(&self) -> Result<Names> {
        Ok(Allowed::parse(&read(&self.kafka)?)?.names)
    }

    pub(super) fn allowed(&self) -> Result<Allowed> {
        match self.allow.exists() {
            true => Allowed::parse(&read(&self.allow)?),
            false => Ok(Allowed::default()),
        }
    }

    pub(super) fn write_kafka(&self, outcomes: &Outcomes) -> Result<()> {
        let passed = Allowed {
            executed: executed(outcomes),
            names: passed(outcomes).collect(),
        };
        fs::write(&self.kafka, passed.text()).context("write what Apache Kafka passes")
    }

    pub(super) fn write_allowed(&self, allowed: &Allowed) -> Result<()> {
        fs::write(&self.allow, allowed.text()).context("write what must pass")
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn executed(outcomes: &Outcomes) -> usize {
    let skipped = |outcome: &&Outcome| **outcome == Outcome::Skipped;
    outcomes.len() - outcomes.values().filter(skipped).count()
}

fn passed(outcomes: &Outcomes) -> impl Iterator<Item = String> {
    let passed = outcomes
        .iter()
        .filter(|(_, outcome)| **outcome == Outcome::Passed);
    passed.map(|(name, _)| name.clone())
}

/// Tests that pass, and how many were executed to find out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    pub executed: usize,
    pub names: Names,
}

impl Allowed {
    /// What passes, of the tests that Apache Kafka passes: what it fails proves nothing.
    pub(super) fn of(outcomes: &Outcomes, kafka: &Names) -> Self {
        Self {
            executed: executed(outcomes),
            names: passed(outcomes)
                .filter(|name| kafka.contains(name))
                .collect(),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let executed = lines.next().and_then(|line| line.strip_prefix("executed "));
        Ok(Self {
            executed: executed
                .context("the first line says how many were executed")?
                .parse()?,
            names: lines.map(str::to_owned).collect(),
        })
    }

    fn text(&self) -> String {
        let names: String = self.names.iter().map(|name| format!("{name}\n")).collect();
        format!("executed {}\n{names}", self.executed)
    }

    pub(super) fn grown_by(&self, passing: &Self) -> Self {
        Self {
            executed: self.executed.max(passing.executed),
            names: self.names.union(&passing.names).cloned().collect(),
        }
    }

    /// What is wrong with a run, in words.
    pub(super) fn compare(&self, passing: &Self, kafka: &Names, findings: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        if passing.executed < self.executed {
            let (now, before) = (passing.executed, self.executed);
            wrong.push(format!("only {now} tests were executed, {before} before"));
        }
        for name in self.names.difference(&passing.names) {
            wrong.push(format!("{name} has passed before and does not pass"));
        }
        for name in passing.names.difference(&self.names) {
            wrong.push(format!("{name} passes: add it with --update"));
        }
        for name in kafka.difference(&self.names) {
            if !findings.contains(&format!("`{name}`")) {
                wrong.push(format!(
                    "{name} passes with Kafka; FINDINGS.md does not say why not here"
                ));
            }
        }
        if self.names.len() * 100 < kafka.len() * SHARE_PERCENT {
            let (ours, theirs) = (self.names.len(), kafka.len());
            wrong.push(format!("{ours} of {theirs} is less than {SHARE_PERCENT} %"));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Names {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    fn allowed(executed: usize, all: &[&str]) -> Allowed {
        Allowed {
            executed,
            names: names(all),
        }
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = allowed(3, &["a::b", "c [d]"]);
        assert_eq!(Allowed::parse(&list.text()).unwrap(), list);
        assert!(Allowed::parse("a::b\n").is_err());
    }

    #[test]
    fn only_what_kafka_passes_counts() {
        let outcomes = Outcomes::from([
            ("a".to_owned(), Outcome::Passed),
            ("b".to_owned(), Outcome::Failed),
            ("c".to_owned(), Outcome::Skipped),
            ("d".to_owned(), Outcome::Passed),
        ]);
        let passing = Allowed::of(&outcomes, &names(&["a", "b"]));
        assert_eq!(passing, allowed(3, &["a"]));
    }

    #[test]
    fn a_list_only_grows() {
        let grown = allowed(3, &["a", "b"]).grown_by(&allowed(2, &["b", "c"]));
        assert_eq!(grown, allowed(3, &["a", "b", "c"]));
    }

    #[test]
    fn whatever_is_worse_than_before_is_wrong() {
        let must = allowed(10, &["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
        let mut kafka = must.names.clone();
        kafka.insert("j".to_owned());
        let findings = "- `j`: transactions are not implemented";
        assert_eq!(must.compare(&must, &kafka, findings), [""; 0]);
        let wrong = |passing: &Allowed| must.compare(passing, &kafka, findings).len();
        assert_eq!(
            wrong(&allowed(9, &["a", "b", "c", "d", "e", "f", "g", "h", "i"])),
            1
        );
        assert_eq!(
            wrong(&allowed(10, &["a", "b", "c", "d", "e", "f", "g", "h"])),
            1
        );
        // What passes must be kept.
        assert_eq!(wrong(&must.grown_by(&allowed(10, &["j"]))), 1);
        // What does not needs a reason.
        assert_eq!(must.compare(&must, &kafka, "- `jk`: why").len(), 1);
        // And there may not be too much of it.
        kafka.insert("k".to_owned());
        assert_eq!(must.compare(&must, &kafka, "`j` and `k`").len(), 1);
    }
}
