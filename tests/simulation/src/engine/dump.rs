//! All that readers and producers can tell of the logs, to compare one engine with another.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::LogId;
use storage::{Log, LogHoldings, ProducerView, Storage};

use crate::batch;
use crate::engine::access::{self as engine, Wanted};
use crate::engine::transactions::Aborted;
use crate::engine::world::{Checked, ensure};

/// How many bytes are read at once.
const READ_BYTES: usize = 30_000;

/// What a log holds, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogDump {
    pub log_start: i64,
    pub end: i64,
    pub last_stable: i64,
    pub batches: Vec<Vec<u8>>,
    /// What is known of them but when they were last heard of.
    pub producers: Vec<ProducerView>,
    /// Producers and where the transaction of each began.
    pub open: Vec<(i64, i64)>,
    pub aborted: Vec<Aborted>,
}

/// What all logs hold.
pub(crate) type Dump = BTreeMap<LogId, LogDump>;

/// Reads everything.
pub(crate) fn dump(storage: &Storage) -> Checked<Dump> {
    let state = storage.state();
    let logs = state.logs.iter().map(|holdings| {
        let id = holdings.log_id;
        let log = storage.log(id).ok_or_else(|| format!("log {id} is gone"))?;
        Ok((id, dump_log(&log, holdings)?))
    });
    logs.collect()
}

fn dump_log(log: &Arc<Log>, holdings: &LogHoldings) -> Checked<LogDump> {
    let view = log.view();
    let (log_start, end) = (view.log_start.0, view.high_watermark.0);
    let mut batches = Vec::new();
    let mut from = log_start;
    while from < end {
        let wanted = Wanted {
            from,
            bytes_max: READ_BYTES,
            is_committed: false,
            at_least_one: true,
        };
        let Some(found) = engine::read(log, wanted)? else {
            return Err(format!("log {}: {from} is out of {view:?}", log.id()));
        };
        let found = batch::split(&found.bytes)?;
        let (Some((first, before, _)), Some((_, last, _))) = (found.first(), found.last()) else {
            return Err(format!("log {}: nothing at {from} in {view:?}", log.id()));
        };
        if let Some(gap) = found.windows(2).find(|pair| pair[1].0 != pair[0].1 + 1) {
            let (before, after) = (gap[0].1, gap[1].0);
            return Err(format!("log {}: {after} comes after {before}", log.id()));
        }
        ensure!(
            (*first..=*before).contains(&from),
            "log {}: {first}..={before} where {from} was asked for",
            log.id()
        );
        from = last + 1;
        batches.extend(found.iter().map(|(_, _, batch)| batch.to_vec()));
    }
    let producers = log.producers().into_iter();
    let producers = producers.map(|producer| ProducerView {
        last_timestamp_ms: 0,
        ..producer
    });
    let open = holdings.open_transactions.iter();
    Ok(LogDump {
        log_start,
        end,
        last_stable: view.last_stable_offset.0,
        batches,
        producers: producers.collect(),
        open: open
            .map(|(producer, first)| (producer.0, first.0))
            .collect(),
        aborted: holdings
            .aborted_transactions
            .iter()
            .map(engine::plain)
            .collect(),
    })
}

/// Errs with the first difference.
pub(crate) fn same(one: &Dump, other: &Dump) -> Checked {
    let logs: BTreeMap<_, _> = one.iter().chain(other).collect();
    for id in logs.keys() {
        let (Some(one), Some(other)) = (one.get(*id), other.get(*id)) else {
            return Err(format!("log {id} is there only once"));
        };
        let different = one
            .batches
            .iter()
            .zip(&other.batches)
            .position(|(a, b)| a != b);
        ensure!(
            one.batches == other.batches,
            "log {id} has {} batches and then {}; number {different:?} is different",
            one.batches.len(),
            other.batches.len()
        );
        let without_batches = |dump: &LogDump| LogDump {
            batches: Vec::new(),
            ..dump.clone()
        };
        let (one, other) = (without_batches(one), without_batches(other));
        ensure!(one == other, "log {id} is {one:?} and then {other:?}");
    }
    Ok(())
}
