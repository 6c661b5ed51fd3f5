//! Ottla and Apache Kafka, or another, side by side: the same load by the same program, on the same disk, by turns.
//!
//! The broker has one processor and the load the other. A row is measured in blocks; in each block both
//! are measured, one after the other, and which comes first changes from block to block (ABBA). What
//! counts is the median of the ratios of the blocks. Under load Ottla is measured twice in each block, and so
//! compared with itself: a figure that differs from itself is void, since the machine was too restless.

mod bare;
mod contender;
mod figures;
mod forces;
mod load;
mod memory;
mod nats;
mod page;
mod plot;
mod results;
mod rows;
mod start;
mod under_load;

use anyhow::{Context, Result, bail};

use bare::Bare;
use contender::{Contender, Measured, Name};
use load::Load;
use results::{Block, Profile, RowResult};
use rows::{Cores, Kind, ROWS, Row};
use under_load::{Pair, UnderLoad};

const USAGE: &str = "usage: cargo xtask bench compare [--short | --full | --try | --page] [--next-to PEER] [--again] [ROW...]
  --short    blocks of 10 s, 7 of them for the rows that count most and 3 for the others (the default)
  --full     blocks of 60 s, 7 of them
  --try      one block of 5 s; nothing is kept
  --next-to  kafka (the default), kafka-4g with a heap of 4 GB, tansu or nats, for the rows that make sense next to it
  --again    also the rows that have a result of this profile
  --page     measures nothing, and writes docs/PERFORMANCE.md from the results that are there
  ROW        only these rows; each gets up to three times its blocks where the machine is restless";

const SHORT: Profile = Profile {
    name: "short",
    block_seconds: 10,
    blocks: [7, 3],
    more_blocks: [2, 1],
    is_kept: true,
    warm_up_seconds: [5, 60],
};

const FULL: Profile = Profile {
    name: "full",
    block_seconds: 60,
    blocks: [7, 7],
    more_blocks: [2, 2],
    is_kept: true,
    warm_up_seconds: [10, 90],
};

const TRY: Profile = Profile {
    name: "try",
    block_seconds: 5,
    blocks: [1, 1],
    more_blocks: [0, 0],
    is_kept: false,
    warm_up_seconds: [2, 10],
};

/// Runs `bench` with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["compare", rest @ ..] => compare(rest),
        ["bare", rest @ ..] => bare::run(rest),
        ["nats", rest @ ..] => nats::run(rest),
        _ => bail!(USAGE),
    }
}

/// Measures what is asked for and writes the page.
fn compare(arguments: &[&str]) -> Result<()> {
    let (mut profile, mut is_again, mut is_page) = (SHORT, false, false);
    let (mut names, mut peer) = (Vec::new(), Name::Kafka);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match *argument {
            "--short" => profile = SHORT,
            "--full" => profile = FULL,
            "--try" => profile = TRY,
            "--again" => is_again = true,
            "--next-to" => {
                let name = arguments.next().and_then(|name| Name::find_peer(name));
                peer = name.context(USAGE)?;
            }
            "--page" => is_page = true,
            option if option.starts_with('-') => bail!(USAGE),
            name => names.push(name),
        }
    }
    if let Some(name) = names.iter().find(|name| rows::find(name).is_none()) {
        let known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        bail!("there is no row {name}; the rows are {}", known.join(", "));
    }
    if is_page {
        return page::write();
    }
    let is_named = |row: &&Row| names.contains(&row.name);
    if let Some(row) = ROWS.iter().filter(is_named).find(|row| !row.is_for(peer)) {
        bail!("{} says nothing next to {peer}", row.name);
    }
    let wanted = |row: &&Row| row.is_for(peer) && (names.is_empty() || is_named(row));
    if profile.is_kept && !names.is_empty() {
        // A few rows have the time for it.
        profile.more_blocks = profile.blocks.map(|count| 2 * count);
    }
    let mut failed = Vec::new();
    let mut pair = None;
    for row in ROWS.iter().filter(wanted) {
        if profile.is_kept && !is_again && results::is_there(row, peer, profile)? {
            println!("{}: is there", row.name);
            continue;
        }
        println!("{}: {}", row.name, row.title);
        match measure(row, peer, profile, &mut pair) {
            Ok(result) if profile.is_kept => {
                if !results::keep(row, peer, &result)? {
                    println!("  void, so what was measured before stays");
                }
            }
            Ok(_) => {}
            // The others do not depend on it.
            Err(error) => {
                println!("  {error:#}");
                failed.push(row.name);
            }
        }
    }
    if profile.is_kept {
        page::write()?;
    }
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("not measured: {}", failed.join(", ")),
    }
}

/// Measures a row. The brokers under load are left to the next row, if nothing has failed.
fn measure(row: &Row, peer: Name, profile: Profile, pair: &mut Option<Pair>) -> Result<RowResult> {
    let left = pair.take().filter(|pair| pair.is_for(row));
    let both = [Name::Ottla, peer];
    let which = usize::from(!row.is_to_close);
    let (count, more) = (profile.blocks[which], profile.more_blocks[which]);
    let [control, blocks] = match &row.kind {
        Kind::Load(load) => {
            let mut brokers = match left {
                Some(left) => left,
                None => Pair::start(row.cores, peer)?,
            };
            let mut under_load = UnderLoad::warm_up(&mut brokers, row, load, profile)?;
            let measured = under_load.blocks(count, more)?;
            under_load.end()?;
            *pair = Some(brokers);
            measured
        }
        Kind::Limit(load, bare) => [Vec::new(), limits(row, load, *bare, profile, count)?],
        Kind::Start => [Vec::new(), in_turn(row, count, both, start::measure)?],
        Kind::Recovery => {
            let measure = |name| start::measure_recovery(name, row.durability);
            [Vec::new(), in_turn(row, count, both, measure)?]
        }
        Kind::Memory(held) => {
            let measure = |name| memory::measure(name, *held);
            [Vec::new(), in_turn(row, count, both, measure)?]
        }
    };
    Ok(RowResult::new(profile, control, blocks))
}

/// Blocks of a row of what is compared, Ottla first.
fn in_turn<T: Copy>(
    row: &Row,
    count: usize,
    both: [T; 2],
    mut measure: impl FnMut(T) -> Result<Measured>,
) -> Result<Vec<Block>> {
    let block = |number| {
        let [ours, theirs] = block_of(number, both, |which| Ok(vec![measure(which)?]))?;
        let block = Block::of(row, number, &ours, &theirs);
        println!("  block {}: {block}", number + 1);
        Ok(block)
    };
    (0..count).map(block).collect()
}

/// What is measured of both in the block of this number.
fn block_of<T>(
    number: usize,
    [ottla, peer]: [T; 2],
    mut measure: impl FnMut(T) -> Result<Vec<Measured>>,
) -> Result<[Vec<Measured>; 2]> {
    if is_peer_first(number) {
        let theirs = measure(peer)?;
        Ok([measure(ottla)?, theirs])
    } else {
        Ok([measure(ottla)?, measure(peer)?])
    }
}

/// Which of both is measured first changes from block to block.
fn is_peer_first(number: usize) -> bool {
    number % 2 == 1
}

/// Blocks of a row that compares Ottla with what the machine can do.
fn limits(
    row: &Row,
    load: &Load,
    bare: Bare,
    profile: Profile,
    count: usize,
) -> Result<Vec<Block>> {
    let mut ottla = Contender::start(Name::Ottla, Cores::OneEach)?;
    ottla.fill_up()?;
    ottla.load(load, row.durability, profile.warm_up_seconds[0])?;
    in_turn(row, count, [None, Some(bare)], |bare| match bare {
        None => ottla.load(load, row.durability, profile.block_seconds),
        Some(bare) => bare.measure(profile.block_seconds),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn which_is_measured_first_changes_from_block_to_block() {
        for (number, order) in [(0, [1, 2]), (1, [2, 1]), (2, [1, 2])] {
            let mut asked = Vec::new();
            let measured = block_of(number, [1, 2], |which| {
                asked.push(which);
                Ok(vec![Measured::of(json!(which))])
            });
            assert_eq!(asked, order);
            let results = measured
                .unwrap()
                .map(|of_one| of_one[0].report["result"].clone());
            assert_eq!(results, [json!(1), json!(2)]);
        }
    }
}
