//! `docs/PERFORMANCE.md`, written from the raw results and from nothing else.

use std::fmt::Write as _;
use std::fs;

use anyhow::Result;

use super::plot::{self, Bar};
use super::results::{self, RowResult};
use super::rows::{Durability, Figure, Kind, ROWS, Row, Target};
use crate::places::workspace;

const INTRODUCTION: &str = "# Performance

Ottla next to Apache Kafka on the same machine: the same load by the same program (`ottla bench`), on the same disk. This page is written by
`cargo xtask bench compare` from the raw results in `bench/results/comparison`; nothing in it is typed by hand. What counts are ratios: the absolute numbers
belong to the machine they were measured on.

## How it is measured

- The broker has one processor and the load the other. Kafka is one node with KRaft, started with the options of its own start script and warmed by the same load.
- A row is measured in blocks. In each block both are measured, one after the other; which comes first changes from block to block. The ratio of a figure is Ottla's number
  divided by Kafka's, in each block; the table has the median of the blocks and the interval in which it lies in 95 of 100 draws (bootstrap).
- Before that Ottla is compared with itself in the same way. A figure that differs by more than 5 % then makes the row void.
- Durability is the same on both sides: **strict** is Ottla's default and `flush.messages=1` in Kafka, **relaxed** is `flush.messages` far away, which is Kafka's default.
- Both stay up through a row; the one that is not measured uses less than 1 % of its processor.
- Processor time is that of all threads, in the program and in the kernel.

```
cargo xtask bench compare --short    # every row that has no result yet
cargo xtask bench compare --full     # longer blocks
cargo xtask bench compare --again produce-small-relaxed
```

It wants a JDK, Maven and strace.
";

/// Writes the page and its plot.
pub(super) fn write() -> Result<()> {
    let mut page = INTRODUCTION.to_owned();
    let mut bars = Vec::new();
    let mut rows = String::new();
    for row in ROWS {
        match results::read(row)? {
            None => writeln!(rows, "| {} | | not measured yet | | | | | |", row.title)?,
            Some(result) => {
                for figure in row.figures {
                    let (text, bar) = line(row, figure, &result)?;
                    rows.push_str(&text);
                    bars.push(bar);
                }
            }
        }
    }
    page.push_str("\n## Results\n\n![Ratios of Ottla to Apache Kafka](performance/ratios.svg)\n\n");
    page.push_str("| load | durability | figure | Ottla | Kafka | ratio (95 %) | target | met |\n");
    page.push_str("|---|---|---|---|---|---|---|---|\n");
    page.push_str(&rows);
    page.push_str(&machines()?);
    let docs = workspace().join("docs");
    fs::create_dir_all(docs.join("performance"))?;
    fs::write(docs.join("performance/ratios.svg"), plot::ratios(&bars))?;
    Ok(fs::write(docs.join("PERFORMANCE.md"), page)?)
}

/// A line of the table, and its bar in the plot.
fn line(row: &Row, figure: &Figure, result: &RowResult) -> Result<(String, Bar)> {
    let ratio = results::ratio(&result.blocks, figure.name)?;
    let [ours, theirs] = results::medians(&result.blocks, figure.name).unwrap_or_default();
    let (limit, limit_text) = match figure.target {
        Target::AtMost(limit) => (limit, format!("≤ {limit}")),
        Target::AtLeast(limit) => (limit, format!("≥ {limit}")),
    };
    let is_met = figure.target.is_met(ratio.median);
    let text = format!(
        "| {} | {} | {} | {} | {} | {:.3} ({:.3}–{:.3}) | {limit_text} | {} |\n",
        row.title,
        match row.durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
            Durability::None => "",
        },
        figure.name,
        rounded(ours),
        rounded(theirs),
        ratio.median,
        ratio.low,
        ratio.high,
        if is_met { "yes" } else { "no" },
    );
    let bar = Bar {
        name: format!("{}: {}", row.name, figure.name),
        ratio: ratio.median,
        limit,
        is_met,
    };
    Ok((text, bar))
}

/// Three digits that count.
fn rounded(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}

/// What each row was measured with, and on what.
fn machines() -> Result<String> {
    let mut text = "\n## Rows and machines\n\n| row | options of `ottla bench` | profile | blocks | commit | machine |\n".to_owned();
    text.push_str("|---|---|---|---|---|---|\n");
    for row in ROWS {
        let Some(result) = results::read(row)? else {
            continue;
        };
        let options = match &row.kind {
            Kind::Load(load) => format!("`{}`", load.measured),
            Kind::Start => "a start on an empty directory".to_owned(),
        };
        let word = |name: &str| result.machine[name].as_str().unwrap_or_default().to_owned();
        writeln!(
            text,
            "| [{}](../bench/results/comparison/{}.json) | {options} | {} | {} | {} | {}, {} processors, {}, Linux {}, {} |",
            row.name,
            row.name,
            result.profile,
            result.blocks.len(),
            word("commit"),
            word("processor"),
            result.machine["processors"],
            word("memory"),
            word("kernel"),
            word("java"),
        )?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_count() {
        assert_eq!(rounded(12_345.6), "12346");
        assert_eq!(rounded(12.345), "12.3");
        assert_eq!(rounded(1.2345), "1.23");
        assert_eq!(rounded(0.012_345), "0.0123");
    }
}
