//! `docs/performance/growth.md` and its pictures, written from the raw results and from nothing else.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::plot::{self, Line};
use super::{By, Point, path};
use crate::places::workspace;

pub(super) const PER_RECORD: &str = "CPU µs per record";
pub(super) const AT_REST: &str = "CPU ms a second at rest";
pub(super) const MEMORY: &str = "memory at rest in MB";
pub(super) const METADATA: &str = "Metadata of all topics in ms";
pub(super) const OFFSETS: &str = "ListOffsets of all partitions in ms";
pub(super) const OFFSETS_BY_TIME: &str = "ListOffsets by time in ms";
pub(super) const START: &str = "first answer after a kill in ms";
pub(super) const RETENTION: &str = "retention of all of it in ms";
pub(super) const RETENTION_CPU: &str = "retention of all of it in CPU ms";

const INTRODUCTION: &str = "# Growth

What things cost Ottla with more and more partitions, producers, and gigabytes. This page is written by `cargo xtask bench growth` from the raw results in
`bench/results/growth`; nothing in it is typed by hand. The numbers belong to the machine they were measured on; what counts is how they change along a line.

The broker has one processor and the load the other. **CPU µs per record** is that of requests with one keyed record of 100 B each, to relaxed topics: 5,000 a second for
60 s, and with partitions 15,000 a second for 160 s, in which what is in memory and in the write-ahead log has to go to the segments of all of them more than once. 1 GB was written to the same topic before. What is asked for is asked for
51 times, and the median counts. At rest retention looks every second for what is to go. The gigabytes are records of zeros whose blocks are given back to the file system (`fallocate --dig-holes`).
";

/// Writes what there are results of.
pub(super) fn write() -> Result<()> {
    let mut text = INTRODUCTION.to_owned();
    let docs = workspace().join("docs/performance");
    for by in By::ALL {
        let Some((machine, points)) = read(by)? else {
            continue;
        };
        let name = by.name();
        let (svg, table) = (plot::lines(name, &lines(&points)), table(name, &points));
        fs::write(docs.join(format!("growth-{name}.svg")), svg)?;
        text.push_str(&format!(
            "\n## {}\n\n![Each figure divided by its first]({})\n\n{table}\nCommit {}, {}, {} processors, Linux {}; raw: \
             [{name}.json](../../bench/results/growth/{name}.json).\n",
            capitalised(name),
            format_args!("growth-{name}.svg"),
            machine["commit"].as_str().unwrap_or_default(),
            machine["processor"].as_str().unwrap_or_default(),
            machine["processors"],
            machine["kernel"].as_str().unwrap_or_default(),
        ));
    }
    Ok(fs::write(docs.join("growth.md"), text)?)
}

fn read(by: By) -> Result<Option<(Value, Vec<Point>)>> {
    let path = path(by);
    if !path.exists() {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(&fs::read_to_string(&path)?)
        .with_context(|| format!("read {}", path.display()))?;
    let point = |point: &Value| {
        let count = u32::try_from(point["count"].as_u64()?).ok()?;
        let figures = point["figures"].as_object()?;
        let figures = figures
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
        Some((count, figures.collect()))
    };
    let points = value["points"].as_array().context("no points")?;
    let points: Option<Vec<Point>> = points.iter().map(point).collect();
    Ok(Some((
        value["machine"].clone(),
        points.context("no counts")?,
    )))
}

/// The names of all figures.
fn names(points: &[Point]) -> BTreeSet<&String> {
    points
        .iter()
        .flat_map(|(_, figures)| figures.keys())
        .collect()
}

fn lines(points: &[Point]) -> Vec<Line> {
    let line = |name: &String| {
        let of = |(count, figures): &Point| Some((f64::from(*count), *figures.get(name)?));
        let points: Vec<(f64, f64)> = points.iter().filter_map(of).collect();
        let first = points.first()?.1;
        let relative = points.iter().map(|(count, value)| (*count, value / first));
        let is_line = points.len() > 1 && first > 0.0;
        is_line.then(|| Line {
            name: name.clone(),
            points: relative.collect(),
        })
    };
    names(points).into_iter().filter_map(line).collect()
}

fn table(by: &str, points: &[Point]) -> String {
    let heads = points.iter().map(|(count, _)| format!("{count} {by}"));
    let mut text = format!("| | {} |\n", heads.collect::<Vec<_>>().join(" | "));
    text.push_str(&format!("|---|{}\n", "---|".repeat(points.len())));
    for name in names(points) {
        let values = points.iter().map(|(_, figures)| {
            figures
                .get(name)
                .map_or_else(String::new, |value| format!("{value:.2}"))
        });
        text.push_str(&format!(
            "| {name} | {} |\n",
            values.collect::<Vec<_>>().join(" | ")
        ));
    }
    text
}

fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

#[cfg(test)]
mod tests {
    use super::super::Figures;
    use super::*;

    #[test]
    fn lines_begin_at_one() {
        let point = |count, value| (count, Figures::from([("a".to_owned(), value)]));
        let points = [point(1, 4.0), point(10, 6.0)];
        assert_eq!(lines(&points)[0].points, [(1.0, 1.0), (10.0, 1.5)]);
        let table = table("things", &points);
        assert!(table.contains("| | 1 things | 10 things |\n"));
        assert!(table.contains("| a | 4.00 | 6.00 |\n"));
        // A single point is no line, but stands in the table.
        assert!(lines(&points[..1]).is_empty());
    }
}
