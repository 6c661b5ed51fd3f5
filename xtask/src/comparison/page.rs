//! `docs/PERFORMANCE.md`, written from the raw results and from nothing else.

use std::fmt::Write as _;
use std::fs;

use anyhow::Result;

use super::bare::Bare;
use super::contender::Name;
use super::figures::{Figure, Target};
use super::plot::{self, Bar};
use super::results::{self, RowResult};
use super::rows::{Durability, Kind, ROWS, Row};
use crate::places::workspace;
use crate::statistics::Estimate;

const INTRODUCTION: &str = "# Performance

Ottla next to Apache Kafka on the same machine: the same load by the same program (`ottla bench`), on the same disk. This page is written by
`cargo xtask bench compare` from the raw results in `bench/results/comparison`; nothing in it is typed by hand. What counts are ratios: the absolute numbers
belong to the machine they were measured on.

## How it is measured

- The broker has one processor and the load the other, except where a row says that they share both. Kafka is one node with KRaft, started with the options of its own start
  script and warmed by the load of the row.
- A row is measured in blocks. In each block both are measured, one after the other; which comes first changes from block to block. The ratio of a figure is Ottla's number
  divided by the other, in each block; the table has the median of the blocks and the interval in which it lies in 95 of 100 draws (bootstrap).
- Under load Ottla is measured twice in each block, one after the other. Its mean is what counts, and the median of the ratios of the two has to be 1: a figure that differs by more than 5 % from itself gets more
  blocks (2 where there are 7, else 1; 14 and 6 in a run of this row by its name), and is void if it differs then: it stays in the table, and says nothing, until a measurement is not; a void one does not take the place of one that is not.
- Who is under load has written 1 GB before, so that Ottla's write-ahead log has the files that it uses again and again; NATS has not.
- All measurements of a row write to one topic, as the topics of a broker stay; only where large batches are written as fast as they are taken each has its own, for the sake of the disk.
- Durability is the same on both sides: **strict** is Ottla's default and `flush.messages=1` in Kafka, **relaxed** is `flush.messages` far away, which is Kafka's default.
  **default** is what each of them does where nothing is set.
- For starts, recovery and memory both are started anew for each block. Under load both stay up, next to Kafka also from a row to those that are measured after it. The one that is not measured is held (SIGSTOP), so that it uses nothing; Kafka's `broker.session.timeout.ms` is an hour for that.
- Processor time is that of all threads, in the program and in the kernel. Memory is the proportional set (PSS); where it is counted for each of many, Kafka's heap counts with what
  is alive in it after a collection.
- Latencies are of an open loop: they count from the time at which a record was due, not from when it was sent.
- After a kill Kafka is started with its default settings. Its controller takes no broker of the same number before the session of the killed one is over (9 s), and that is part of
  its recovery.
- Tansu is another Kafka-compatible broker in Rust; the build that pip brings keeps everything in memory, so the column has what need not survive the process, and no rebalance: a group of 200 members got no answer for 30 s. NATS speaks a protocol of its own: its load
  is a client of that, which does the same, and its JetStream keeps messages in files without forcing each.
- The limits of the machine are loops that do nothing else: append and force, send, or answer.

```
cargo xtask bench compare --short    # every row that has no result yet
cargo xtask bench compare --full     # longer blocks
cargo xtask bench compare --again produce-small-relaxed
```

It wants a JDK, Maven and strace; `--next-to tansu` wants pip, and `--next-to nats` Debian's apt. What a request costs, and what was done about it: [Where the time goes](performance/where-the-time-goes.md).
What things cost with more partitions, producers and gigabytes: [Growth](performance/growth.md).
";

/// What a table compares Ottla with.
struct Next {
    name: &'static str,
    /// Whose results are read.
    peer: Name,
    /// Whose ratios have a column of their own.
    column: Option<Name>,
}

const KAFKA: Next = Next {
    name: "Kafka",
    peer: Name::Kafka,
    column: Some(Name::Tansu),
};
const KAFKA_WITH_4G: Next = Next {
    name: "Kafka",
    peer: Name::KafkaWith4G,
    column: None,
};
const NATS: Next = Next {
    name: "NATS",
    peer: Name::Nats,
    column: None,
};
const BARE: Next = Next {
    name: "bare",
    peer: Name::Kafka,
    column: None,
};

/// Writes the page and its plots.
pub(super) fn write() -> Result<()> {
    let is_limit = |row: &&Row| matches!(row.kind, Kind::Limit(..));
    let (kafka, kafka_bars) = table(&KAFKA, ROWS.iter().filter(|row| !is_limit(row)))?;
    let mut with_4g = Vec::new();
    for row in ROWS {
        with_4g.extend(results::read(row, Name::KafkaWith4G)?.map(|_| row));
    }
    let (with_4g, _) = table(&KAFKA_WITH_4G, with_4g.into_iter())?;
    let (nats, _) = table(&NATS, ROWS.iter().filter(|row| row.is_for(Name::Nats)))?;
    let (limits, limit_bars) = table(&BARE, ROWS.iter().filter(is_limit))?;
    let page = format!(
        "{INTRODUCTION}\n## Next to Apache Kafka\n\n![Ratios of Ottla to Apache Kafka](performance/ratios.svg)\n\n{kafka}\n\
         ## Next to Apache Kafka with a heap of 4 GB\n\nOnly some rows were measured so; in the table above it has the 1 GB that its start script gives it.\n\n{with_4g}\n\
         ## Next to NATS with JetStream\n\n{nats}\n\
         ## Next to what the machine can do\n\n![Ratios of Ottla to bare loops](performance/limits.svg)\n\n{limits}{}",
        machines()?
    );
    let docs = workspace().join("docs");
    fs::create_dir_all(docs.join("performance"))?;
    fs::write(
        docs.join("performance/ratios.svg"),
        plot::ratios(&kafka_bars),
    )?;
    fs::write(
        docs.join("performance/limits.svg"),
        plot::ratios(&limit_bars),
    )?;
    Ok(fs::write(docs.join("PERFORMANCE.md"), page)?)
}

/// A line for each figure of these rows, and its bar in the plot.
fn table<'a>(next: &Next, rows: impl Iterator<Item = &'a Row>) -> Result<(String, Vec<Bar>)> {
    let mut heads = vec![
        "load".to_owned(),
        "durability".to_owned(),
        "figure".to_owned(),
        "Ottla".to_owned(),
        next.name.to_owned(),
        "ratio (95 %)".to_owned(),
        "target".to_owned(),
        "met".to_owned(),
    ];
    heads.extend(next.column.map(|name| format!("ratio to {name} (95 %)")));
    let mut text = cells(&heads);
    text.push_str(&cells(&vec!["---".to_owned(); heads.len()]));
    let mut bars = Vec::new();
    for row in rows {
        let Some(result) = results::read(row, next.peer)? else {
            let what = [row.title, durability(row), "not measured yet"];
            let mut line = what.map(str::to_owned).to_vec();
            line.resize(heads.len(), String::new());
            text.push_str(&cells(&line));
            continue;
        };
        for figure in row.figures {
            let (mut line, bar) = line(row, figure, &result)?;
            if let Some(name) = next.column {
                line.push(beside(row, figure, name)?);
            }
            text.push_str(&cells(&line));
            bars.push(bar);
        }
    }
    Ok((text, bars))
}

/// A line of a table.
fn cells(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The ratio of a figure to one that has only a column.
fn beside(row: &Row, figure: &Figure, name: Name) -> Result<String> {
    if !row.is_for(name) {
        return Ok("–".to_owned());
    }
    let Some(result) = results::read(row, name)? else {
        return Ok("not measured yet".to_owned());
    };
    let ratio = results::ratio(&result.blocks, figure.name)?;
    Ok(void(row, figure, &result)?.unwrap_or_else(|| interval(&ratio)))
}

fn interval(ratio: &Estimate) -> String {
    format!("{:.3} ({:.3}–{:.3})", ratio.median, ratio.low, ratio.high)
}

/// That a figure says nothing, if it differs too much from itself.
fn void(row: &Row, figure: &Figure, result: &RowResult) -> Result<Option<String>> {
    let void = results::void(row, &result.control)?;
    let drift = void.into_iter().find(|(name, _)| *name == figure.name);
    Ok(drift.map(|(_, drift)| format!("void: {:.0} % from itself", drift * 100.0)))
}

fn durability(row: &Row) -> &'static str {
    match row.durability {
        Durability::Strict => "strict",
        Durability::Relaxed => "relaxed",
        Durability::Default => "default",
    }
}

fn line(row: &Row, figure: &Figure, result: &RowResult) -> Result<(Vec<String>, Bar)> {
    let ratio = results::ratio(&result.blocks, figure.name)?;
    let [ours, theirs] = results::medians(&result.blocks, figure.name).unwrap_or_default();
    let (limit, limit_text) = match figure.target {
        Target::AtMost(limit) => (Some(limit), format!("≤ {limit}")),
        Target::AtLeast(limit) => (Some(limit), format!("≥ {limit}")),
        Target::None => (None, String::new()),
    };
    let void = void(row, figure, result)?;
    let is_met = figure.target.is_met(ratio.median);
    let is_void = void.is_some();
    let verdict = match (void, is_met) {
        (Some(void), _) => void,
        (None, Some(true)) => "yes".to_owned(),
        (None, Some(false)) => "**no**".to_owned(),
        (None, None) => String::new(),
    };
    let line = vec![
        row.title.to_owned(),
        durability(row).to_owned(),
        figure.name.to_owned(),
        rounded(ours),
        rounded(theirs),
        interval(&ratio),
        limit_text,
        verdict,
    ];
    let bar = Bar {
        name: format!("{}: {}", row.name, figure.name),
        ratio: ratio.median,
        limit,
        is_met: is_met.filter(|_| !is_void),
    };
    Ok((line, bar))
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
    let mut text =
        "\n## Rows and machines\n\n| row | what was run | profile | blocks | commit | machine |\n"
            .to_owned();
    text.push_str("|---|---|---|---|---|---|\n");
    for (peer, row) in Name::PEERS
        .iter()
        .flat_map(|peer| ROWS.iter().map(move |row| (peer, row)))
    {
        let Some(result) = results::read(row, *peer)? else {
            continue;
        };
        let options = options(&row.kind);
        let word = |name: &str| result.machine[name].as_str().unwrap_or_default().to_owned();
        let name = match peer {
            Name::Kafka => row.name.to_owned(),
            peer => format!("{}, {peer}", row.name),
        };
        writeln!(
            text,
            "| [{name}](../{}) | {options} | {} | {} | {} | {}, {} processors, {}, Linux {}, {} |",
            results::place(row, *peer).display(),
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

fn options(kind: &Kind) -> String {
    match kind {
        Kind::Load(load) | Kind::Limit(load, _) => {
            let part = |word: &str, options: Option<&str>| {
                options.map_or_else(String::new, |options| format!("{word} `{options}`"))
            };
            let filled = part("filled by", load.fill);
            let beside = part(" beside", load.beside);
            let bare = match kind {
                Kind::Limit(_, Bare::Append) => ", and 4 KiB appended and forced again and again",
                Kind::Limit(_, Bare::Stream) => ", and 1 MB appended and forced again and again",
                Kind::Limit(_, Bare::Send) => ", and a process that sends from memory",
                Kind::Limit(_, Bare::Answer) => ", and a process that answers 60 B to 250 B",
                _ => "",
            };
            format!("{filled} `{}`{beside}{bare}", load.measured)
                .trim()
                .to_owned()
        }
        Kind::Start => "a start".to_owned(),
        Kind::Recovery => "SIGKILL, a start, and a record".to_owned(),
        Kind::Memory(_) => "memory before and after".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::comparison::contender::Measured;
    use crate::comparison::results::Block;
    use crate::comparison::rows;

    #[test]
    fn a_figure_that_differs_from_itself_is_void() {
        let row = rows::find("memory-groups").unwrap();
        let figure = Figure {
            name: row.figures[0].name,
            of: row.figures[0].of,
            of_peer: row.figures[0].of_peer,
            target: Target::AtMost(0.5),
        };
        let block = |ours: f64, theirs: f64| {
            let measured = |bytes: f64| Measured::of(json!({ "bytes_each": bytes }));
            Block::of(row, 0, &[measured(ours)], &[measured(theirs)])
        };
        let verdict = |control: Block| {
            let result = RowResult {
                profile: String::new(),
                machine: Value::Null,
                control: vec![control],
                blocks: vec![block(20.0, 100.0)],
            };
            let (line, bar) = line(row, &figure, &result).unwrap();
            let found = line.last_chunk().unwrap();
            (
                *found == ["0.200 (0.200–0.200)", "≤ 0.5", "yes"],
                bar.is_met,
            )
        };
        assert_eq!(verdict(block(104.0, 100.0)), (true, Some(true)));
        assert_eq!(verdict(block(106.0, 100.0)), (false, None));
    }

    #[test]
    fn numbers_keep_the_digits_that_count() {
        assert_eq!(rounded(12_345.6), "12346");
        assert_eq!(rounded(12.345), "12.3");
        assert_eq!(rounded(1.2345), "1.23");
        assert_eq!(rounded(0.012_345), "0.0123");
    }
}
