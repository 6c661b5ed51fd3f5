use std::path::PathBuf;

use bytes::Bytes;
use model::Offset;
use wire::batch::{BatchBuilder, NewRecord};

use super::*;
use crate::format::entry::Entry;
use crate::marks::take_marks;

fn replayed(base_offset: i64) -> ReplayEntry {
    let mut builder = BatchBuilder::new().base_offset(Offset(base_offset));
    builder.push(NewRecord::default());
    let payload = Bytes::from(builder.build());
    ReplayEntry {
        seq: 1,
        entry: Entry {
            kind: EntryKind::Batch,
            log_id: 1,
            bytes: u32::try_from(payload.len()).unwrap(),
            crc: 0,
            base_offset,
            last_offset_delta: 0,
            leader_epoch: 0,
            max_timestamp: 0,
        },
        payload: Some(payload),
        path: PathBuf::from("slot-00"),
        position: 4096,
    }
}

/// The table of a round has a checksum, so no damage of the disk leads here: this is for the rounds
/// that a defect would write.
#[test]
fn nothing_is_applied_behind_a_gap() {
    let mut log = RestoredLog::default();
    assert_eq!(apply(&mut log, &replayed(0), 0), None);
    take_marks();
    let damage = apply(&mut log, &replayed(2), 0).unwrap();
    assert_eq!(damage.code, DamageCode::OffsetGap);
    assert_eq!(
        (damage.path, damage.position),
        (PathBuf::from("slot-00"), 4096)
    );
    let taken = take_marks()
        .into_iter()
        .find(|(mark, _)| *mark == Mark::OffsetGap);
    assert_eq!(taken, Some((Mark::OffsetGap, 1)));
    // Not even what would follow.
    assert_eq!(apply(&mut log, &replayed(1), 0), None);
    assert_eq!((log.end, log.quarantine.map(|at| at.from)), (1, Some(1)));
}
