//! Working on with a broker after a look: everything that was not hit takes records as ever.

use sim::Dice;

use super::asks::{COORDINATOR_NOT_AVAILABLE, KAFKA_STORAGE_ERROR};
use super::check::{Losses, Suspicion};
use super::client::Node;
use super::golden::group_log;
use super::look::METADATA;
use super::promise::{Partition, Promises};
use super::reading::read_from;
use super::records;
use crate::batch::HEADER_BYTES;

/// Repeats the last batch of each producer, produces a new one to each partition and commits for
/// each group. Errs with a promise that is broken; what is refused is a loss.
pub(super) fn work(
    node: &mut Node,
    promises: &mut Promises,
    suspicion: &Suspicion,
    seen: &Losses,
    dice: &mut Dice,
) -> Result<Losses, String> {
    let mut losses = Losses::default();
    let is_read_only = seen.logs.contains(&METADATA);
    for partition in &mut promises.partitions {
        let name = partition.name();
        let is_suspect = is_read_only || suspicion.touched.has(partition.log_id);
        produce(node, partition, is_suspect, &mut losses, dice)
            .map_err(|error| format!("{name}: {error}"))?;
    }
    let partition = &promises.partitions[0];
    let place = (partition.topic.clone(), partition.index);
    for (group, known) in &mut promises.groups {
        let log_id = group_log(group);
        let offset = dice.below(1000).cast_signed();
        match node.commit(group, &place.0, place.1, (offset, "later"))? {
            Ok(()) if is_read_only || seen.logs.contains(&log_id) => {
                return Err(format!("group {group} is not known and takes offsets"));
            }
            Ok(()) => {
                known.insert(place.clone(), (offset, "later".to_owned()));
            }
            Err(KAFKA_STORAGE_ERROR | COORDINATOR_NOT_AVAILABLE)
                if is_read_only || suspicion.touched.has(log_id) =>
            {
                losses.add(log_id, format!("group {group} takes nothing"));
            }
            Err(code) => return Err(format!("commit of {group}: error {code}")),
        }
    }
    Ok(losses)
}

fn produce(
    node: &mut Node,
    partition: &mut Partition,
    is_suspect: bool,
    losses: &mut Losses,
    dice: &mut Dice,
) -> Result<(), String> {
    let Partition {
        log_id, start, end, ..
    } = *partition;
    let (topic, index) = (partition.topic.clone(), partition.index);
    let last = partition
        .producer
        .as_ref()
        .and_then(|producer| producer.last.clone());
    if let Some((batch, base)) = last.filter(|(_, base)| *base >= start) {
        match node.produce(&topic, index, &batch)? {
            Ok(found) if found == base => {}
            Err(KAFKA_STORAGE_ERROR) if is_suspect => {}
            other => return Err(format!("the batch at {base}, sent again, gets {other:?}")),
        }
    }
    let batch = records::roll(dice, node.now_ms(), partition.producer.as_ref());
    match node.produce(&topic, index, &batch)? {
        Ok(base) if base == end => partition.note_sent(&batch, base),
        Err(code) if is_suspect => {
            losses.add(
                log_id,
                format!("{topic}-{index} takes nothing: error {code}"),
            );
            return Ok(());
        }
        other => return Err(format!("a new batch gets {other:?} and not {end}")),
    }
    let reading = read_from(node, &topic, index, end)?;
    let is_it = |bytes: &[u8]| bytes[HEADER_BYTES..] == batch[HEADER_BYTES..];
    match reading.batches.as_slice() {
        [(base, found)] if *base == end && is_it(&found.bytes) => {
            partition.batches.insert(*base, found.clone());
            Ok(())
        }
        other => Err(format!("a new batch at {end} is read as {other:?}")),
    }
}
