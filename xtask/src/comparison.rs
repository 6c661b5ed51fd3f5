//! Ottla and Apache Kafka, or another, side by side: the same load by the same program, on the same disk, by turns.
//!
//! The broker has one processor and the load the other. A row is measured in blocks; in each block both
//! are measured, one after the other, and which comes first changes from block to block (ABBA). What
//! counts is the median of the ratios of the blocks. Before a row is measured, Ottla is compared with
//! itself in the same way: a figure that differs from itself is void, since the machine was too restless.

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

use std::time::Instant;

use anyhow::{Context, Result, bail};

use bare::Bare;
use contender::{Contender, Measured, Name};
use load::Load;
use results::{Block, Profile, RowResult};
use rows::{Cores, Kind, ROWS, Row};

const USAGE: &str = "usage: cargo xtask bench compare [--short | --full | --try | --page] [--next-to PEER] [--again] [ROW...]
  --short    blocks of 10 s, 7 of them for the rows that count most and 3 for the others (the default)
  --full     blocks of 60 s, 7 of them
  --try      one block of 5 s, without a control; nothing is kept
  --next-to  kafka (the default), tansu or nats, for the rows that make sense next to it
  --again    also the rows that have a result of this profile
  --page     measures nothing, and writes docs/PERFORMANCE.md from the results that are there
  ROW        only these rows";

const SHORT: Profile = Profile {
    name: "short",
    block_seconds: 10,
    blocks: [7, 3],
    control_blocks: [3, 2],
    warm_up_seconds: [5, 60],
};

const FULL: Profile = Profile {
    name: "full",
    block_seconds: 60,
    blocks: [7, 7],
    control_blocks: [7, 7],
    warm_up_seconds: [10, 90],
};

const TRY: Profile = Profile {
    name: "try",
    block_seconds: 5,
    blocks: [1, 1],
    control_blocks: [0, 0],
    warm_up_seconds: [2, 10],
};

/// How often blocks are added to the control until it is quiet.
const CONTROLS_MAX: usize = 3;

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
    let mut failed = Vec::new();
    for row in ROWS.iter().filter(wanted) {
        if profile.is_kept() && !is_again && results::is_there(row, peer, profile)? {
            println!("{}: is there", row.name);
            continue;
        }
        println!("{}: {}", row.name, row.title);
        match measure(row, peer, profile) {
            Ok(result) if profile.is_kept() => results::keep(row, peer, &result)?,
            Ok(_) => {}
            // The others do not depend on it.
            Err(error) => {
                println!("  {error:#}");
                failed.push(row.name);
            }
        }
    }
    if profile.is_kept() {
        page::write()?;
    }
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("not measured: {}", failed.join(", ")),
    }
}

fn measure(row: &Row, peer: Name, profile: Profile) -> Result<RowResult> {
    let both = [Name::Ottla, peer];
    let which = usize::from(!row.is_to_close);
    let (count, controls) = (profile.blocks[which], profile.control_blocks[which]);
    let (control, blocks) = match &row.kind {
        Kind::Load(load) => {
            let mut pair = UnderLoad::start(row, load, peer, profile)?;
            (pair.control(controls)?, pair.blocks(count)?)
        }
        Kind::Limit(load, bare) => (Vec::new(), limits(row, load, *bare, profile, count)?),
        Kind::Start => (Vec::new(), in_turn(row, count, both, start::measure)?),
        Kind::Recovery => {
            let measure = |name| start::measure_recovery(name, row.durability);
            (Vec::new(), in_turn(row, count, both, measure)?)
        }
        Kind::Memory(held) => (
            Vec::new(),
            in_turn(row, count, both, |name| memory::measure(name, *held))?,
        ),
    };
    Ok(RowResult::new(profile, control, blocks))
}

/// Blocks of a row of what is compared, Ottla first; which of the two is measured first changes from block to block.
fn in_turn<T: Copy>(
    row: &Row,
    count: usize,
    [ottla, peer]: [T; 2],
    mut measure: impl FnMut(T) -> Result<Measured>,
) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    for number in 0..count {
        let is_peer_first = number % 2 == 1;
        let (ours, theirs) = if is_peer_first {
            let theirs = measure(peer)?;
            (measure(ottla)?, theirs)
        } else {
            (measure(ottla)?, measure(peer)?)
        };
        let block = Block::of(row, is_peer_first, ours, theirs);
        println!("  block {} of {count}: {block}", number + 1);
        blocks.push(block);
    }
    Ok(blocks)
}

/// Both brokers up and warm; one of them is held while the other is under load.
struct UnderLoad<'a> {
    row: &'a Row,
    load: &'a Load,
    seconds: u32,
    ottla: Contender,
    peer: Contender,
}

impl<'a> UnderLoad<'a> {
    fn start(row: &'a Row, load: &'a Load, peer: Name, profile: Profile) -> Result<Self> {
        let mut pair = Self {
            row,
            load,
            seconds: profile.block_seconds,
            ottla: Contender::start_to_hold(Name::Ottla, row.cores)?,
            peer: Contender::start_to_hold(peer, row.cores)?,
        };
        for contender in [&mut pair.ottla, &mut pair.peer] {
            let seconds = profile.warm_up_seconds[usize::from(contender.name.is_virtual_machine())];
            contender.fill_up()?;
            let began = Instant::now();
            // A backlog is read to its end in less time than a virtual machine takes to come to its speed.
            while began.elapsed().as_secs() < u64::from(seconds) {
                contender.load(load, row.durability, seconds)?;
            }
            contender.hold()?;
        }
        Ok(pair)
    }

    /// One of them, in one block.
    fn measure(&mut self, name: Name) -> Result<Measured> {
        let contender = match name {
            Name::Ottla => &mut self.ottla,
            _ => &mut self.peer,
        };
        contender.let_go()?;
        let measured = contender.load(self.load, self.row.durability, self.seconds)?;
        contender.hold()?;
        Ok(measured)
    }

    /// Ottla next to itself, with more blocks until all of them together are quiet.
    fn control(&mut self, count: usize) -> Result<Vec<Block>> {
        let mut control = Vec::new();
        for _ in 0..CONTROLS_MAX {
            for number in 0..count {
                let [first, second] = [self.measure(Name::Ottla)?, self.measure(Name::Ottla)?];
                // What always comes second may differ for that alone, as it does not in the blocks.
                let is_peer_first = number % 2 == 1;
                let [ours, theirs] = match is_peer_first {
                    true => [second, first],
                    false => [first, second],
                };
                control.push(Block::of(self.row, is_peer_first, ours, theirs));
            }
            let drifts = results::drifts(self.row, &control)?;
            for (figure, drift) in &drifts {
                println!("  control: {figure} differs by {:.1} %", drift * 100.0);
            }
            if drifts.iter().all(|(_, drift)| results::is_quiet(*drift)) {
                break;
            }
        }
        Ok(control)
    }

    fn blocks(&mut self, count: usize) -> Result<Vec<Block>> {
        let both = [Name::Ottla, self.peer.name];
        in_turn(self.row, count, both, |name| self.measure(name))
    }
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
