//! What a reader is given, and which of it counts for a reader of committed records.

use kafka_protocol::messages::fetch_response::PartitionData;

use super::codec::code;
use super::model::{Told, TopicKey};
use super::world::{Checked, Shared, ensure};
use crate::batch::{self, Sight};

/// What a reader has asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub from: i64,
    pub is_committed: bool,
    /// What had been told of the log by then.
    pub told_before: Told,
}

/// What a reader got.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// Where it goes on.
    pub next: i64,
    pub stable: i64,
    /// The batches that count.
    pub counted: Vec<usize>,
}

impl Shared {
    /// Checks a fetched partition; `None` if a fault or retention has kept it from the reader.
    pub(crate) fn take_records(
        &mut self,
        topic: TopicKey,
        partition: i32,
        reading: &Reading,
        found: PartitionData,
    ) -> Checked<Option<Read>> {
        let Reading {
            from, told_before, ..
        } = *reading;
        match found.error_code {
            code::NONE => {}
            code::OFFSET_OUT_OF_RANGE => {
                ensure!(
                    self.model.topics[topic].may_trim,
                    "{from} is out of range, yet {told_before:?} was told"
                );
                return Ok(None);
            }
            error => {
                ensure!(self.is_troubled(), "error {error} without a fault");
                return Ok(None);
            }
        }
        let (start, end) = (found.log_start_offset, found.high_watermark);
        let stable = found.last_stable_offset;
        self.show(topic, partition, Some(start), Some(end), told_before)?;
        ensure!(stable <= end, "stable up to {stable}, yet the end is {end}");
        self.show_stable(topic, partition, stable, start, told_before)?;
        ensure!(
            stable == end || self.model.may_have_transactions(topic, partition),
            "the last stable offset is {stable} below {end} without transactions"
        );
        let records = found.records.unwrap_or_default();
        let batches = batch::split(&records)?;
        let reach = if reading.is_committed { stable } else { end };
        let mut next = from;
        for (base, last, batch) in &batches {
            let is_first = next == from && *base <= from && *last >= from;
            ensure!(
                is_first || *base == next,
                "{base} comes where {next} was expected"
            );
            ensure!(
                *last < reach,
                "{base}..={last} is shown, yet the end is {reach}"
            );
            self.see(topic, partition, *base, batch)?;
            next = last + 1;
        }
        ensure!(
            next > from || from >= reach,
            "nothing at {from} of {start}..{reach}"
        );
        let mut counted = Vec::new();
        if reading.is_committed {
            let aborted = found.aborted_transactions.unwrap_or_default();
            let aborted = aborted
                .iter()
                .map(|one| (one.first_offset, one.producer_id.0));
            let ends = batches.iter().map(|(_, last, batch)| (*last, *batch));
            let sights = batch::sights(ends, aborted)?;
            for ((base, _, batch), sight) in batches.iter().zip(sights) {
                if let (Some(number), true) =
                    (super::check::number_of(batch), sight != Sight::Control)
                {
                    let is_counted = sight == Sight::Counts;
                    self.judge(number, is_counted)
                        .map_err(|error| format!("at {base}: {error}"))?;
                    if is_counted {
                        counted.push(number);
                    }
                }
            }
        } else {
            ensure!(
                found.aborted_transactions.is_none(),
                "a reader of everything is told what was aborted"
            );
        }
        Ok(Some(Read {
            next,
            stable,
            counted,
        }))
    }

    /// A reader of committed records was given a batch, and it counts or not.
    fn judge(&mut self, number: usize, is_counted: bool) -> Checked {
        let Some(transaction) = self.model.sent[number].transaction else {
            ensure!(is_counted, "batch {number} is hidden and in no transaction");
            return Ok(());
        };
        let now = self.now();
        let history = &mut self.model.history;
        match is_counted {
            true => history.see_committed(transaction),
            false => history.see_aborted(transaction, now),
        }
        .map_err(|error| format!("batch {number}: {error}"))?;
        if !is_counted {
            self.tally.add("aborted batches hidden", 1);
        }
        Ok(())
    }

    /// Somebody was told up to where a log is stable.
    pub(crate) fn show_stable(
        &mut self,
        topic: TopicKey,
        partition: i32,
        stable: i64,
        start: i64,
        told_before: Told,
    ) -> Checked {
        ensure!(
            stable >= told_before.stable,
            "the last stable offset went back from {} to {stable}",
            told_before.stable
        );
        let now = self.now();
        for transaction in self.model.history.open(now) {
            let first = self.model.first_offset(transaction, topic, partition);
            ensure!(
                first.is_none_or(|first| stable <= first.max(start)),
                "stable up to {stable}, yet transaction {transaction} is open since {first:?}"
            );
        }
        let told = &mut self.model.partition(topic, partition).told;
        told.stable = told.stable.max(stable);
        Ok(())
    }
}
