//! Ottla and Apache Kafka side by side: the same load by the same program, on the same disk, by turns.
//!
//! The broker has one processor and the load the other. A row is measured in blocks; in each block both
//! are measured, one after the other, and which comes first changes from block to block (ABBA). What
//! counts is the median of the ratios of the blocks. Before a row is measured, Ottla is compared with
//! itself in the same way: if that gives another ratio than 1, the machine is too restless and the row
//! is void.

mod contender;
mod forces;
mod load;
mod machine;
mod page;
mod plot;
mod results;
mod rows;
mod start;
mod statistics;

use anyhow::{Context, Result, bail, ensure};

use contender::{Contender, Name};
use results::{Block, RowResult};
use rows::{Kind, ROWS, Row};

const USAGE: &str = "usage: cargo xtask bench compare [--short | --full] [--again] [ROW...]
  --short    blocks of 10 s, 7 of them for the rows that count most and 3 for the others (the default)
  --full     blocks of 60 s, 7 of them
  --again    also the rows that have a result of this profile
  ROW        only these rows
  --page     measures nothing and writes docs/PERFORMANCE.md from the results that are there";

/// By how much Ottla may differ from itself.
const DRIFT_MAX: f64 = 0.05;

/// How long, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    name: &'static str,
    block_seconds: u32,
    /// For the rows that count most, and for the others.
    blocks: [usize; 2],
    control_blocks: usize,
    warm_up_seconds: u32,
}

const SHORT: Profile = Profile {
    name: "short",
    block_seconds: 10,
    blocks: [7, 3],
    control_blocks: 3,
    warm_up_seconds: 30,
};

const FULL: Profile = Profile {
    name: "full",
    block_seconds: 60,
    blocks: [7, 7],
    control_blocks: 3,
    warm_up_seconds: 90,
};

/// Measures what is asked for and writes the page.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (mut profile, mut is_again, mut is_page) = (SHORT, false, false);
    let mut names = Vec::new();
    for argument in arguments {
        match *argument {
            "--short" => profile = SHORT,
            "--full" => profile = FULL,
            "--again" => is_again = true,
            "--page" => is_page = true,
            option if option.starts_with('-') => bail!(USAGE),
            name => names.push(name),
        }
    }
    if let Some(name) = names.iter().find(|name| rows::find(name).is_none()) {
        let known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        bail!("there is no row {name}; the rows are {}", known.join(", "));
    }
    if !is_page {
        let wanted = |row: &&Row| names.is_empty() || names.contains(&row.name);
        for row in ROWS.iter().filter(wanted) {
            if !is_again && results::is_there(row, profile)? {
                println!("{}: is there", row.name);
                continue;
            }
            println!("{}: {}", row.name, row.title);
            let result = measure(row, profile).with_context(|| format!("row {}", row.name))?;
            results::keep(row, &result)?;
        }
    }
    page::write()
}

fn measure(row: &Row, profile: Profile) -> Result<RowResult> {
    let count = profile.blocks[usize::from(!row.is_to_close)];
    let (control, blocks) = match &row.kind {
        Kind::Load(load) => under_load(row, load, profile, count)?,
        Kind::Start => (Vec::new(), starts(row, count)?),
    };
    Ok(RowResult::new(profile, control, blocks))
}

/// Blocks of a row in which both are started.
fn starts(row: &Row, count: usize) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    for number in 0..count {
        let ours = start::measure(Name::Ottla)?;
        let block = Block::of(row, false, ours, start::measure(Name::Kafka)?);
        println!("  block {} of {count}: {block}", number + 1);
        blocks.push(block);
    }
    Ok(blocks)
}

/// Control and blocks of a row with both brokers up.
fn under_load(
    row: &Row,
    load: &load::Load,
    profile: Profile,
    count: usize,
) -> Result<(Vec<Block>, Vec<Block>)> {
    let mut ottla = Contender::start(Name::Ottla)?;
    let mut kafka = Contender::start(Name::Kafka)?;
    for contender in [&mut ottla, &mut kafka] {
        contender.load(load, profile.warm_up_seconds)?;
    }
    let seconds = profile.block_seconds;
    let mut control = Vec::new();
    for number in 0..profile.control_blocks {
        let [first, second] = [ottla.load(load, seconds)?, ottla.load(load, seconds)?];
        control.push(Block::of(row, number % 2 == 1, first, second));
    }
    for figure in row.figures {
        let drift = (results::ratio(&control, figure.name)?.median - 1.0).abs();
        ensure!(
            drift <= DRIFT_MAX,
            "{}: Ottla differs from itself by {:.1} %: the machine is too restless",
            figure.name,
            drift * 100.0
        );
    }
    let mut blocks = Vec::new();
    for number in 0..count {
        let is_kafka_first = number % 2 == 1;
        let (ours, theirs) = if is_kafka_first {
            let theirs = kafka.load(load, seconds)?;
            (ottla.load(load, seconds)?, theirs)
        } else {
            (ottla.load(load, seconds)?, kafka.load(load, seconds)?)
        };
        let block = Block::of(row, is_kafka_first, ours, theirs);
        println!("  block {} of {count}: {block}", number + 1);
        blocks.push(block);
    }
    for contender in [&ottla, &kafka] {
        contender.check_idle()?;
    }
    Ok((control, blocks))
}
