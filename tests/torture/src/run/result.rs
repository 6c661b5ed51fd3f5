//! What came out of a run: a line for people, a file for programs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::check::Figures;
use crate::findings::{Findings, Violation};
use crate::nemesis::{Deeds, SLOW_START};

/// What came out of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Its seed.
    pub seed: u64,
    /// How often it was to kill under load.
    pub kills_wanted: u32,
    /// The `ottla` that ran.
    pub binary: PathBuf,
    /// Where data and journal are, if they are still there.
    pub directory: PathBuf,
    /// How long it took, the checks included.
    pub took: Duration,
    /// The kills and the starts.
    pub deeds: Deeds,
    /// How much was looked at.
    pub figures: Figures,
    /// What must not have happened.
    pub findings: Findings,
    /// What the ground below the broker did.
    pub ground: Value,
}

impl Summary {
    /// Whether nothing was found.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }

    fn slowest_start(&self) -> Duration {
        self.deeds.starts.iter().max().copied().unwrap_or_default()
    }

    fn median_start(&self) -> Duration {
        let mut starts = self.deeds.starts.clone();
        starts.sort_unstable();
        starts.get(starts.len() / 2).copied().unwrap_or_default()
    }

    /// How many starts took too long for comfort.
    fn slow_starts(&self) -> usize {
        let starts = self.deeds.starts.iter();
        starts.filter(|took| **took >= SLOW_START).count()
    }

    /// Writes the result as JSON.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let text = serde_json::to_string_pretty(&self.to_json())?;
        std::fs::write(path, text).with_context(|| path.display().to_string())
    }

    fn to_json(&self) -> Value {
        let milliseconds = |time: Duration| (time.as_secs_f64() * 1e4).round() / 1e1;
        let aims = self.deeds.aims.iter();
        let aims: serde_json::Map<_, _> = aims
            .map(|(aim, kills)| (aim.to_string(), json!(kills)))
            .collect();
        json!({
            "passed": self.passed(),
            "seed": self.seed,
            "versions": {
                "ottla": version(&self.binary),
                "librdkafka": rdkafka::util::get_rdkafka_version().1,
            },
            "seconds": self.took.as_secs_f64().round(),
            "kills": {
                "wanted": self.kills_wanted,
                "total": self.deeds.kills(),
                "aimed_at": aims,
                "by_phase": self.deeds.by_phase(),
                "seconds_under_load": self.deeds.under_load.as_secs_f64().round(),
            },
            "starts": {
                "count": self.deeds.starts.len(),
                "slowest_ms": milliseconds(self.slowest_start()),
                "median_ms": milliseconds(self.median_start()),
                "at_least_2_s": self.slow_starts(),
            },
            "records": self.figures,
            "violations": self.findings.counts(),
            "examples": self.findings.examples(),
            "ground": self.ground,
        })
    }
}

/// What the binary says its version is.
fn version(binary: &Path) -> String {
    let output = Command::new(binary).arg("--version").output();
    output.map_or_else(
        |error| error.to_string(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for example in self.findings.examples() {
            writeln!(f, "{:?}: {}", example.violation, example.text)?;
        }
        if !self.passed() {
            writeln!(f, "data and journal are in {}", self.directory.display())?;
        }
        let phases: Vec<String> = self
            .deeds
            .by_phase()
            .into_iter()
            .map(|(phase, kills)| format!("{phase} {kills}"))
            .collect();
        let count = |violation| self.findings.count(violation);
        write!(
            f,
            "torture {}: seed {}, {} kills in {:.0} s ({}); {} intents, {} acknowledged, {} read; {} \
             lost, {} doubled, {} disagreements, {} offsets gone back, {} violations in all; slowest \
             start {:.0} ms, {} of {} at least 2 s",
            if self.passed() { "passed" } else { "FAILED" },
            self.seed,
            self.deeds.kills(),
            self.took.as_secs_f64(),
            phases.join(", "),
            self.figures.intents,
            self.figures.acknowledged,
            self.figures.read,
            count(Violation::Lost),
            count(Violation::Doubled),
            count(Violation::Changed) + count(Violation::Moved) + count(Violation::Disagreement),
            count(Violation::OffsetsGoneBack),
            self.findings.counts().values().sum::<u64>(),
            self.slowest_start().as_secs_f64() * 1e3,
            self.slow_starts(),
            self.deeds.starts.len(),
        )
    }
}
