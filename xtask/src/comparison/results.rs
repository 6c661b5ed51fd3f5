//! Raw results, a file for each row.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::contender::{Measured, Name};
use super::figures::Figure;
use super::is_peer_first;
use super::rows::Row;
use crate::machine;
use crate::places::workspace;
use crate::statistics::{self, Estimate};

/// By how much Ottla may differ from itself.
const DRIFT_MAX: f64 = 0.05;

/// How long, and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) block_seconds: u32,
    /// For the rows that count most, and for the others.
    pub(super) blocks: [usize; 2],
    /// How many more there are where Ottla differs from itself.
    pub(super) more_blocks: [usize; 2],
    /// Whether what it gives is sure enough to be kept.
    pub(super) is_kept: bool,
    /// Of Ottla, and of a virtual machine.
    pub(super) warm_up_seconds: [u32; 2],
}

/// Both, one after the other: each figure of Ottla and of what it is compared with.
#[derive(Clone, Debug)]
pub(super) struct Block {
    figures: BTreeMap<String, [f64; 2]>,
    raw: Value,
}

impl Block {
    /// The block of this number, from all that was measured in it. The means count.
    pub(super) fn of(row: &Row, number: usize, ottla: &[Measured], peer: &[Measured]) -> Self {
        let figures = figures(row, |figure| {
            Some([mean(ottla, figure.of)?, mean(peer, figure.of_peer)?])
        });
        let raw = json!({
            "is_peer_first": is_peer_first(number),
            "figures": figures,
            "ottla": ottla.iter().map(raw).collect::<Vec<_>>(),
            "peer": peer.iter().map(raw).collect::<Vec<_>>(),
        });
        Self { figures, raw }
    }

    /// Ottla next to itself in the block of this number. What was measured stands in that block.
    pub(super) fn of_control(row: &Row, number: usize, ottla: &[Measured]) -> Self {
        let figures = figures(row, |figure| {
            let [one, other] = ottla else { return None };
            let both = [(figure.of)(one)?, (figure.of)(other)?];
            // What always comes second may differ for that alone.
            Some(match is_peer_first(number) {
                true => [both[1], both[0]],
                false => both,
            })
        });
        let raw = json!({ "figures": figures });
        Self { figures, raw }
    }

    /// As it was kept.
    fn read(raw: &Value) -> Option<Self> {
        let mut figures = BTreeMap::new();
        for (name, pair) in raw["figures"].as_object()? {
            figures.insert(name.clone(), [pair[0].as_f64()?, pair[1].as_f64()?]);
        }
        let raw = raw.clone();
        Some(Self { figures, raw })
    }

    /// What the host did not let the processors do while it was measured; `None` where no broker was.
    fn stolen_seconds(&self) -> Option<f64> {
        let measured = ["ottla", "peer"].map(|of| self.raw[of].as_array());
        let stolen = measured.into_iter().flatten().flatten();
        stolen
            .filter_map(|measured| measured["stolen_seconds"].as_f64())
            .reduce(|sum, seconds| sum + seconds)
    }
}

/// The figures of a row of which there is a pair.
fn figures(row: &Row, pair: impl Fn(&Figure) -> Option<[f64; 2]>) -> BTreeMap<String, [f64; 2]> {
    let named = |figure: &Figure| Some((figure.name.to_owned(), pair(figure)?));
    row.figures.iter().filter_map(named).collect()
}

fn mean(measured: &[Measured], of: fn(&Measured) -> Option<f64>) -> Option<f64> {
    let sum: Option<f64> = measured.iter().map(of).sum();
    Some(sum? / measured.len() as f64)
}

fn raw(measured: &Measured) -> Value {
    json!({
        "cpu_seconds": measured.used.map(|used| used.cpu_seconds),
        "written_bytes": measured.used.map(|used| used.written_bytes),
        "stolen_seconds": measured.used.map(|used| used.stolen_seconds),
        "report": measured.report,
    })
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |(name, [ours, theirs]): (&String, &[f64; 2])| {
            format!("{name} {ours:.3} to {theirs:.3}, {:.3}", ours / theirs)
        };
        let figures: Vec<_> = self.figures.iter().map(figure).collect();
        f.write_str(&figures.join("; "))?;
        match self.stolen_seconds() {
            Some(seconds) => write!(f, "; {seconds:.1} s stolen"),
            None => Ok(()),
        }
    }
}

/// By how much each figure of a row differs from itself.
pub(super) fn drifts(row: &Row, control: &[Block]) -> Result<Vec<(&'static str, f64)>> {
    if control.is_empty() {
        return Ok(Vec::new());
    }
    let drift = |figure: &Figure| -> Result<_> {
        Ok((
            figure.name,
            (ratio(control, figure.name)?.median - 1.0).abs(),
        ))
    };
    row.figures.iter().map(drift).collect()
}

/// Whether a figure that differs so much from itself counts.
fn is_quiet(drift: f64) -> bool {
    drift <= DRIFT_MAX
}

/// The figures of a row that differ too much from themselves to count, and by how much.
pub(super) fn void(row: &Row, control: &[Block]) -> Result<Vec<(&'static str, f64)>> {
    let mut drifts = drifts(row, control)?;
    drifts.retain(|(_, drift)| !is_quiet(*drift));
    Ok(drifts)
}

/// The ratios of a figure in blocks, Ottla's number divided by the other.
pub(super) fn ratio(blocks: &[Block], figure: &str) -> Result<Estimate> {
    let pairs = blocks.iter().filter_map(|block| block.figures.get(figure));
    let ratios: Vec<f64> = pairs.map(|[ours, theirs]| ours / theirs).collect();
    statistics::estimate(&ratios).with_context(|| format!("nothing was measured of {figure}"))
}

/// The medians of a figure, Ottla's and the other's.
pub(super) fn medians(blocks: &[Block], figure: &str) -> Option<[f64; 2]> {
    let of = |index: usize| {
        let pairs = blocks.iter().filter_map(|block| block.figures.get(figure));
        statistics::median(&pairs.map(|pair| pair[index]).collect::<Vec<_>>())
    };
    Some([of(0)?, of(1)?])
}

/// A row as it was measured.
pub(super) struct RowResult {
    pub(super) profile: String,
    pub(super) machine: Value,
    pub(super) control: Vec<Block>,
    pub(super) blocks: Vec<Block>,
}

impl RowResult {
    pub(super) fn new(profile: Profile, control: Vec<Block>, blocks: Vec<Block>) -> Self {
        Self {
            profile: profile.name.to_owned(),
            machine: machine::describe(),
            control,
            blocks,
        }
    }
}

/// Where a row is kept, from the directory of the project on.
pub(super) fn place(row: &Row, peer: Name) -> PathBuf {
    let mut place = PathBuf::from("bench/results/comparison");
    if peer != Name::Kafka {
        place.push(peer.short());
    }
    place.join(format!("{}.json", row.name))
}

/// Whether there is a result of this profile.
pub(super) fn is_there(row: &Row, peer: Name, profile: Profile) -> Result<bool> {
    Ok(read(row, peer)?.is_some_and(|result| result.profile == profile.name))
}

/// Keeps a result, unless it would put a void figure in the place of one of the same profile that is not. Says whether
/// it did.
pub(super) fn keep(row: &Row, peer: Name, result: &RowResult) -> Result<bool> {
    if let Some(before) = read(row, peer)?
        && is_worse(row, result, &before)?
    {
        return Ok(false);
    }
    let path = workspace().join(place(row, peer));
    fs::create_dir_all(path.parent().context("a directory")?)?;
    let blocks =
        |blocks: &[Block]| -> Vec<Value> { blocks.iter().map(|block| block.raw.clone()).collect() };
    let value = json!({
        "row": row.name,
        "title": row.title,
        "next_to": peer.to_string(),
        "profile": result.profile,
        "machine": result.machine,
        "control": blocks(&result.control),
        "blocks": blocks(&result.blocks),
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&value)?);
    fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    Ok(true)
}

/// Whether a figure is void that is not in a result of the same profile.
fn is_worse(row: &Row, result: &RowResult, before: &RowResult) -> Result<bool> {
    let was_void = void(row, &before.control)?;
    let was_void = |figure| was_void.iter().any(|(name, _)| *name == figure);
    let void = void(row, &result.control)?;
    Ok(result.profile == before.profile && void.iter().any(|(name, _)| !was_void(*name)))
}

/// What was kept of a row, if anything was.
pub(super) fn read(row: &Row, peer: Name) -> Result<Option<RowResult>> {
    let path = workspace().join(place(row, peer));
    if !path.exists() {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(&fs::read_to_string(&path)?)
        .with_context(|| format!("read {}", path.display()))?;
    let blocks = |name: &str| -> Option<Vec<Block>> {
        value[name].as_array()?.iter().map(Block::read).collect()
    };
    Ok(Some(RowResult {
        profile: value["profile"].as_str().unwrap_or_default().to_owned(),
        machine: value["machine"].clone(),
        control: blocks("control").context("no control")?,
        blocks: blocks("blocks").context("no blocks")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::rows;
    use crate::process::Usage;

    #[test]
    fn what_is_void_does_not_take_the_place_of_what_is_not() {
        let row = rows::find("produce-most-relaxed").unwrap();
        let [one, other] = [0, 1].map(|index| row.figures[index].name);
        let result = |profile: &str, ours: [f64; 2]| {
            let raw = json!({ "figures": { one: [ours[0], 100.0], other: [ours[1], 100.0] } });
            RowResult {
                profile: profile.to_owned(),
                machine: Value::Null,
                control: vec![Block::read(&raw).unwrap()],
                blocks: Vec::new(),
            }
        };
        let quiet = result("short", [102.0, 98.0]);
        let restless = result("short", [110.0, 98.0]);
        let otherwise = result("short", [102.0, 90.0]);
        for (new, before, expected) in [
            (&restless, &quiet, true),
            (&otherwise, &quiet, true),
            // One figure is gained, but another is lost.
            (&otherwise, &restless, true),
            (&quiet, &restless, false),
            (&quiet, &quiet, false),
            (&restless, &restless, false),
            (&restless, &result("full", [102.0, 98.0]), false),
        ] {
            assert_eq!(is_worse(row, new, before).unwrap(), expected);
        }
    }

    #[test]
    fn of_ottla_the_mean_counts() {
        let row = rows::find("memory-groups").unwrap();
        let measured = |bytes: f64| Measured::of(json!({ "bytes_each": bytes }));
        let ours = [measured(10.0), measured(30.0)];
        let figure = row.figures[0].name;
        for (number, control) in [(0, [10.0, 30.0]), (1, [30.0, 10.0])] {
            let block = Block::of(row, number, &ours, &[measured(40.0)]);
            let read = Block::read(&block.raw).unwrap();
            assert_eq!(medians(&[block], figure), Some([20.0, 40.0]));
            assert_eq!(medians(&[read], figure), Some([20.0, 40.0]));
            let block = Block::of_control(row, number, &ours);
            assert_eq!(medians(&[block], figure), Some(control));
        }
    }

    #[test]
    fn a_block_tells_what_was_stolen_while_it_was_measured() {
        let row = rows::find("memory-groups").unwrap();
        let measured = |stolen_seconds: Option<f64>| Measured {
            used: stolen_seconds.map(|stolen_seconds| Usage {
                cpu_seconds: 1.0,
                written_bytes: 0.0,
                stolen_seconds,
            }),
            ..Measured::of(json!({ "bytes_each": 10.0 }))
        };
        let told = |ours: [Option<f64>; 2], theirs| {
            Block::of(row, 0, &ours.map(measured), &[measured(theirs)]).to_string()
        };
        assert!(told([Some(0.5), Some(1.0)], Some(2.25)).ends_with("; 3.8 s stolen"));
        assert!(told([Some(0.5), Some(1.0)], None).ends_with("; 1.5 s stolen"));
        assert!(told([None, None], None).ends_with(", 1.000"));
    }
}
