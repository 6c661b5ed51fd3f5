//! What libFuzzer says of a run.

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its time was over.
    Passed,
    /// An input was found.
    Failed,
}

/// A run of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) target: String,
    pub(super) outcome: Outcome,
    /// Inputs that were tried.
    executions: u64,
    per_second: u64,
    /// Edges of the code that were reached.
    edges: u64,
    /// Inputs that are kept because each reaches something.
    corpus: usize,
    memory_mib: u64,
    /// The end of what was printed.
    pub(super) evidence: String,
}

/// Lines of a failed run that are shown.
const EVIDENCE_LINES: usize = 60;

/// Reads the output of a run.
pub(super) fn read(target: &str, text: &str, passed: bool, corpus: usize) -> Report {
    let statistic = |name: &str| {
        let mut lines = text.lines().rev();
        lines
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
            .unwrap_or(0)
    };
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.len().saturating_sub(EVIDENCE_LINES);
    Report {
        target: target.to_owned(),
        outcome: if passed {
            Outcome::Passed
        } else {
            Outcome::Failed
        },
        executions: statistic("stat::number_of_executed_units:"),
        per_second: statistic("stat::average_exec_per_sec:"),
        edges: edges(text),
        corpus,
        memory_mib: statistic("stat::peak_rss_mb:"),
        evidence: lines.get(shown..).unwrap_or_default().join("\n"),
    }
}

/// The last `cov: N` of the lines about progress.
fn edges(text: &str) -> u64 {
    let progress = text.lines().rev().find_map(|line| {
        let (_, after) = line.split_once(" cov: ")?;
        after.split_whitespace().next()?.parse().ok()
    });
    progress.unwrap_or(0)
}

/// The runs one below the other.
pub(super) fn table(reports: &[Report]) -> String {
    let mut rows = vec![format!(
        "{:16} {:>12} {:>9} {:>7} {:>7} {:>7}  outcome",
        "target", "executions", "per s", "edges", "corpus", "MiB"
    )];
    rows.extend(reports.iter().map(|report| {
        let outcome = match report.outcome {
            Outcome::Passed => "nothing found",
            Outcome::Failed => "FOUND",
        };
        format!(
            "{:16} {:>12} {:>9} {:>7} {:>7} {:>7}  {outcome}",
            report.target,
            report.executions,
            report.per_second,
            report.edges,
            report.corpus,
            report.memory_mib
        )
    }));
    rows.join("\n")
}
