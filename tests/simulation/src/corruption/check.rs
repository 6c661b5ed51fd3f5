//! Holding a broker on a mutated directory against its promises: everything is served as it was, or
//! refused with an error and named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sim::{Dice, Handles, SimClock, SimFs, SimRng, SimSpawn};
use storage::VerifyReport;

use super::client::{DATA_DIR, Node};
use super::golden::Golden;
use super::layout::{FileKind, Touched, Wal};
use super::mutation::{Mutation, Way};
use super::{look, work};

/// How far the position that is named may be from what was changed.
const NEAR_BYTES: u64 = 32 << 10;

/// What came of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything is served.
    Harmless,
    /// Something is refused, and named.
    Named,
    /// What nothing had called durable yet was cut.
    Cut,
    /// The broker does not start, and says why.
    Refused,
}

/// What the checks know of the mutation.
pub(super) struct Suspicion {
    /// Whose data it may have hit.
    pub touched: Touched,
    /// Whether it may have taken the end of the write-ahead log.
    pub may_cut: bool,
    /// Whether retention has had its turn since.
    pub had_retention: bool,
    /// The first offset that a change of a segment may cost, with its log.
    pub first_lost: Option<(u32, i64)>,
}

/// What is not served, in words.
#[derive(Debug, Default)]
pub(super) struct Losses {
    pub words: Vec<String>,
    /// The logs that something is missing of.
    pub logs: BTreeSet<u32>,
    pub has_cut: bool,
}

/// Mutates a copy of a golden directory and looks at what a broker makes of it.
pub(super) fn judge(
    golden: &Golden,
    wal: &Wal,
    mutation: &Mutation,
    dice: &mut Dice,
) -> Result<Outcome, String> {
    let fs = golden.fs.fork();
    mutation.apply(&fs);
    let verified = storage::verify(&fs, Path::new(DATA_DIR)).map_err(|error| error.to_string());
    let handles = machine(&fs, golden, dice);
    let mut node = match Node::open(handles, golden.wal_bytes_max) {
        Ok(node) => node,
        Err(error) => return refused(mutation, &fs, verified.is_err(), &error),
    };
    let mut suspicion = Suspicion {
        touched: mutation.touched(&golden.fs, wal),
        may_cut: mutation.has(FileKind::Slot),
        had_retention: false,
        first_lost: first_lost(golden, mutation),
    };
    let mut promises = golden.promises.clone();

    let first = look::look(&mut node, &mut promises, &suspicion, dice)?;
    check_named(&node, mutation, &first).map_err(|error| format!("first start: {error}"))?;
    check_verified(mutation, &first, &verified)?;
    let refusals = work::work(&mut node, &mut promises, &suspicion, &first, dice)?;
    check_named(&node, mutation, &refusals).map_err(|error| format!("after work: {error}"))?;
    node.pass();
    node.pass();
    suspicion.had_retention = true;

    let ended = match dice.below(2) {
        0 => node.shut_down(),
        _ => node.end().kill(),
    };
    let again = Node::open(ended, golden.wal_bytes_max);
    let mut node = again.map_err(|error| format!("the second start: {error}"))?;
    let second = look::look(&mut node, &mut promises, &suspicion, dice)
        .map_err(|error| format!("second start: {error}"))?;
    check_named(&node, mutation, &second).map_err(|error| format!("second start: {error}"))?;

    Ok(if !first.words.is_empty() || !refusals.words.is_empty() {
        Outcome::Named
    } else if first.has_cut {
        Outcome::Cut
    } else {
        Outcome::Harmless
    })
}

/// A machine with this disk, at the time at which the golden directory was left.
fn machine(fs: &SimFs, golden: &Golden, dice: &mut Dice) -> Handles {
    let clock = Arc::new(SimClock::default());
    clock.advance(golden.now);
    Handles {
        fs: fs.clone(),
        clock,
        rng: Arc::new(SimRng::new(dice.number())),
        spawn: Arc::new(SimSpawn::new(dice.number())),
    }
}

/// Only without its format file a broker does not start. Then it says so, and has changed nothing.
fn refused(
    mutation: &Mutation,
    fs: &SimFs,
    is_verified_too: bool,
    error: &str,
) -> Result<Outcome, String> {
    if !mutation.has(FileKind::Format) {
        return Err(format!("it does not start: {error}"));
    }
    let names = mutation
        .paths()
        .any(|path| error.contains(&path.display().to_string()));
    if !names {
        return Err(format!("it does not start and names no file: {error}"));
    }
    if !is_verified_too {
        return Err("it does not start, and nothing is wrong with it".to_owned());
    }
    for (file, content) in &mutation.changes {
        if fs.durable_bytes(&file.path) != *content {
            return Err(format!("it has changed {}", file.path.display()));
        }
    }
    Ok(Outcome::Refused)
}

/// The first offset that a change within a segment may cost.
fn first_lost(golden: &Golden, mutation: &Mutation) -> Option<(u32, i64)> {
    if !matches!(mutation.way, Way::Flip | Way::Scribble | Way::Zero) {
        // What is sound and of elsewhere makes the whole segment suspect.
        return None;
    }
    let position = mutation.position?;
    let [(file, _)] = mutation.changes.as_slice() else {
        return None;
    };
    if file.kind != FileKind::Segment {
        return None;
    }
    let partitions = golden.promises.partitions.iter();
    let partition = partitions
        .clone()
        .find(|one| Some(one.log_id) == file.log_id)?;
    let name = file.path.file_stem()?.to_string_lossy();
    let base: i64 = name.parse().ok()?;
    let mut at = 0;
    for (base, batch) in partition.batches.range(base..) {
        at += batch.bytes.len() as u64;
        if position < at {
            return Some((partition.log_id, *base));
        }
    }
    None
}

/// Whatever is not served has a reason that names a file that was changed, and where.
fn check_named(node: &Node, mutation: &Mutation, losses: &Losses) -> Result<(), String> {
    let Some(loss) = losses.words.first() else {
        return Ok(());
    };
    let health = node.health();
    let is_changed = |path: &Option<PathBuf>| {
        let mut paths = mutation.paths();
        path.as_ref()
            .is_some_and(|path| paths.any(|changed| changed == path))
    };
    let Some(reason) = health.iter().find(|reason| is_changed(&reason.path)) else {
        return Err(format!("{loss}, and the file is not named: {health:?}"));
    };
    let Some(named) = reason.position else {
        return Err(format!("{loss}, and no position is named: {reason:?}"));
    };
    match mutation.position {
        Some(position) if position.abs_diff(named) > NEAR_BYTES => {
            Err(format!("{loss}, and the position is far away: {reason:?}"))
        }
        _ => Ok(()),
    }
}

/// What is not served is found without a broker too.
fn check_verified(
    mutation: &Mutation,
    losses: &Losses,
    verified: &Result<VerifyReport, String>,
) -> Result<(), String> {
    let (Some(loss), Ok(report)) = (losses.words.first(), verified) else {
        return Ok(());
    };
    let is_found = report.damages.iter().any(|damage| {
        !damage.code.is_repaired() && mutation.paths().any(|path| *path == damage.path)
    });
    match is_found {
        true => Ok(()),
        false => Err(format!(
            "{loss}, and verify finds only {:?}",
            report.damages
        )),
    }
}
