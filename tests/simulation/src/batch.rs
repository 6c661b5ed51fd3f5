//! Record batches, made and read by code that the engine does not share: what checks the engine
//! must not make its mistakes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Bytes before the records of a batch.
pub(crate) const HEADER_BYTES: usize = 61;
/// What the checksum covers begins here.
const CHECKED_FROM: usize = 21;
const LOG_APPEND_TIME: u8 = 8;

pub(crate) const TRANSACTIONAL: i16 = 16;
pub(crate) const CONTROL: i16 = 32;

/// What a batch is made of.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    pub records: u32,
    pub value: Vec<u8>,
    pub timestamp_ms: i64,
    /// Producer id, epoch and first sequence number.
    pub producer: Option<(i64, i16, i32)>,
    pub kind: Kind,
}

/// What a batch is to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It belongs to none.
    Plain,
    /// It is part of the one that its producer has open, or opens it.
    Transactional,
    /// It ends the one that its producer has open.
    Marker { is_commit: bool },
}

impl Kind {
    fn attributes(self) -> i16 {
        match self {
            Self::Plain => 0,
            Self::Transactional => TRANSACTIONAL,
            Self::Marker { .. } => TRANSACTIONAL | CONTROL,
        }
    }
}

/// The bytes of a batch as a client, or for a marker the broker, appends it.
pub(crate) fn build(recipe: &Recipe) -> Vec<u8> {
    let mut records = Vec::new();
    for delta in 0..recipe.records {
        let record = record(delta, recipe);
        varint(&mut records, record.len() as i64);
        records.extend_from_slice(&record);
    }
    let (id, epoch, sequence) = recipe.producer.unwrap_or((-1, -1, -1));
    let mut bytes = Vec::with_capacity(HEADER_BYTES + records.len());
    bytes.extend_from_slice(&0_i64.to_be_bytes());
    let length = (HEADER_BYTES - 12 + records.len()) as i32;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&(-1_i32).to_be_bytes());
    bytes.push(2);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&recipe.kind.attributes().to_be_bytes());
    bytes.extend_from_slice(&(recipe.records as i32 - 1).to_be_bytes());
    bytes.extend_from_slice(&recipe.timestamp_ms.to_be_bytes());
    bytes.extend_from_slice(&recipe.timestamp_ms.to_be_bytes());
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&(recipe.records as i32).to_be_bytes());
    bytes.extend_from_slice(&records);
    seal(&mut bytes);
    bytes
}

fn record(delta: u32, recipe: &Recipe) -> Vec<u8> {
    let mut record = vec![0];
    varint(&mut record, 0);
    varint(&mut record, i64::from(delta));
    match recipe.kind {
        Kind::Plain | Kind::Transactional => varint(&mut record, -1),
        // The key of a marker: a version, and 0 for an abort or 1 for a commit.
        Kind::Marker { is_commit } => {
            varint(&mut record, 4);
            record.extend_from_slice(&[0, 0, 0, u8::from(is_commit)]);
        }
    }
    varint(&mut record, recipe.value.len() as i64);
    record.extend_from_slice(&recipe.value);
    varint(&mut record, 0);
    record
}

/// The value of a marker: a version, and the epoch of the coordinator.
pub(crate) fn marker_value(coordinator_epoch: i32) -> Vec<u8> {
    [&[0, 0], &coordinator_epoch.to_be_bytes()[..]].concat()
}

/// What the batch must look like once it has its place. A time is given where the log stamps it.
pub(crate) fn stamped(
    batch: &[u8],
    base_offset: i64,
    leader_epoch: i32,
    time: Option<i64>,
) -> Vec<u8> {
    let mut bytes = batch.to_vec();
    bytes[..8].copy_from_slice(&base_offset.to_be_bytes());
    bytes[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
    if let Some(time) = time {
        bytes[22] |= LOG_APPEND_TIME;
        bytes[35..43].copy_from_slice(&time.to_be_bytes());
        seal(&mut bytes);
    }
    bytes
}

/// The leader epoch and the largest time that a batch carries.
pub(crate) fn stamps(batch: &[u8]) -> (i32, i64) {
    let epoch = i32::from_be_bytes(batch[12..16].try_into().unwrap());
    (epoch, i64::from_be_bytes(batch[35..43].try_into().unwrap()))
}

/// What a batch says of where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub producer_id: i64,
    pub epoch: i16,
    pub is_transactional: bool,
    pub is_control: bool,
}

/// Who has sent a batch.
pub(crate) fn origin(batch: &[u8]) -> Origin {
    let attributes = i16::from_be_bytes(batch[21..23].try_into().unwrap());
    Origin {
        producer_id: i64::from_be_bytes(batch[43..51].try_into().unwrap()),
        epoch: i16::from_be_bytes(batch[51..53].try_into().unwrap()),
        is_transactional: attributes & TRANSACTIONAL != 0,
        is_control: attributes & CONTROL != 0,
    }
}

/// Whether a marker commits; `None` if the batch is no control batch.
pub(crate) fn marker(batch: &[u8]) -> Option<Result<bool, String>> {
    let key = || first_record(batch).and_then(|[key, _]| key);
    origin(batch).is_control.then(|| match key() {
        Some([0, 0, 0, kind @ (0 | 1)]) => Ok(*kind == 1),
        other => Err(format!("a control batch with the key {other:?}")),
    })
}

/// What a batch is to a reader of committed records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    Counts,
    /// Its transaction was aborted.
    Hidden,
    Control,
}

/// Filters as clients do: from the first offset of an aborted transaction to its marker nothing of its
/// producer counts. Batches come with their last offsets, aborted transactions are first offsets and producers.
pub(crate) fn sights<'a>(
    batches: impl IntoIterator<Item = (i64, &'a [u8])>,
    aborted: impl IntoIterator<Item = (i64, i64)>,
) -> Result<Vec<Sight>, String> {
    let mut coming: Vec<(i64, i64)> = aborted.into_iter().collect();
    coming.sort_unstable();
    let mut coming = coming.into_iter().peekable();
    let mut hidden = BTreeSet::new();
    let mut sights = Vec::new();
    for (last, batch) in batches {
        while let Some((_, producer_id)) = coming.next_if(|(first, _)| *first <= last) {
            hidden.insert(producer_id);
        }
        let origin = origin(batch);
        let is_hidden = origin.is_transactional && hidden.contains(&origin.producer_id);
        // One whose marker was compacted away is left for its producer and ends nothing.
        let is_empty = batch.len() == HEADER_BYTES;
        if origin.is_control && !is_empty && marker(batch).transpose()? == Some(false) {
            hidden.remove(&origin.producer_id);
        }
        sights.push(match (origin.is_control, is_hidden) {
            (true, _) => Sight::Control,
            (false, true) => Sight::Hidden,
            (false, false) => Sight::Counts,
        });
    }
    Ok(sights)
}

/// The offset of the first record of a batch, of the last one, and the batch.
pub(crate) type Placed<'a> = (i64, i64, &'a [u8]);

/// The batches in some bytes.
pub(crate) fn split(mut bytes: &[u8]) -> Result<Vec<Placed<'_>>, String> {
    let mut batches = Vec::new();
    while !bytes.is_empty() {
        if bytes.len() < HEADER_BYTES {
            return Err(format!("{} bytes are no batch", bytes.len()));
        }
        let base = i64::from_be_bytes(bytes[..8].try_into().unwrap());
        let length = i32::from_be_bytes(bytes[8..12].try_into().unwrap());
        let length = usize::try_from(length).map_err(|_| "negative length")? + 12;
        let delta = i32::from_be_bytes(bytes[23..27].try_into().unwrap());
        let Some((batch, rest)) = bytes.split_at_checked(length) else {
            return Err(format!("a batch of {length} bytes cut at {}", bytes.len()));
        };
        let crc = u32::from_be_bytes(batch[17..21].try_into().unwrap());
        if crc != crc32c(&batch[CHECKED_FROM..]) {
            return Err(format!("the batch at offset {base} has a wrong checksum"));
        }
        batches.push((base, base + i64::from(delta), batch));
        bytes = rest;
    }
    Ok(batches)
}

/// The value of the first record of a batch.
pub(crate) fn first_value(batch: &[u8]) -> Option<&[u8]> {
    first_record(batch)?[1]
}

/// The key and the value of the first record of a batch.
fn first_record(batch: &[u8]) -> Option<[Option<&[u8]>; 2]> {
    let mut rest = batch.get(HEADER_BYTES..)?;
    read_varint(&mut rest)?;
    rest = rest.get(1..)?;
    read_varint(&mut rest)?;
    read_varint(&mut rest)?;
    Some([read_bytes(&mut rest)?, read_bytes(&mut rest)?])
}

/// Writes the checksum of a batch.
pub(crate) fn seal(bytes: &mut [u8]) {
    let crc = crc32c(&bytes[CHECKED_FROM..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
}

pub(crate) fn varint(bytes: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

pub(crate) fn read_varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

/// Bytes behind their length, or null.
pub(crate) fn read_bytes<'a>(rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match read_varint(rest)? {
        -1 => Some(None),
        length => {
            let (bytes, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            *rest = after;
            Some(Some(bytes))
        }
    }
}

static TABLE: LazyLock<[u32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|index| {
        (0..8).fold(index as u32, |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0x82f6_3b78
            } else {
                crc >> 1
            }
        })
    })
});

/// Castagnoli's checksum.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize]
    })
}

#[test]
fn the_checksum_is_castagnolis() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn batches_come_apart_as_they_were_put_together() {
    let recipe = Recipe {
        records: 3,
        value: b"value".to_vec(),
        timestamp_ms: 7,
        producer: None,
        kind: Kind::Plain,
    };
    let one = stamped(&build(&recipe), 10, 1, None);
    let two = stamped(&build(&recipe), 13, 1, Some(99));
    let both = [one.clone(), two.clone()].concat();
    let parts = split(&both).unwrap();
    assert_eq!(parts, [(10, 12, &one[..]), (13, 15, &two[..])]);
    assert_eq!(first_value(&one).unwrap(), b"value");
    assert!(split(&both[..both.len() - 1]).is_err());
}

#[test]
fn a_marker_says_who_ends_what_and_how() {
    let recipe = Recipe {
        records: 1,
        value: vec![0; 6],
        timestamp_ms: 7,
        producer: Some((5, 2, -1)),
        kind: Kind::Marker { is_commit: true },
    };
    let marker = build(&recipe);
    assert_eq!(marker[21..23], [0, 0x30], "transactional and control");
    assert_eq!(
        marker[43..57],
        [0, 0, 0, 0, 0, 0, 0, 5, 0, 2, 255, 255, 255, 255]
    );
    // Length, attributes, deltas and the length of the key, all varints of one byte.
    assert_eq!(marker[61 + 5..][..4], [0, 0, 0, 1]);
    assert_eq!(split(&marker).unwrap().len(), 1);
    assert_eq!(super::batch::marker(&marker), Some(Ok(true)));
    let origin = origin(&marker);
    assert_eq!((origin.producer_id, origin.epoch), (5, 2));
    assert!(origin.is_transactional && origin.is_control);
}

#[test]
fn what_was_aborted_is_hidden_up_to_its_marker() {
    let batch = |kind| {
        build(&Recipe {
            records: 1,
            value: marker_value(0),
            timestamp_ms: 7,
            producer: Some((5, 0, 0)),
            kind,
        })
    };
    let data = batch(Kind::Transactional);
    let abort = batch(Kind::Marker { is_commit: false });
    let sights = |control: &[u8]| {
        let batches = [(10, &data[..]), (11, control), (12, &data[..])];
        sights(batches, [(10, 5)])
    };
    use Sight::{Control, Counts, Hidden};
    assert_eq!(sights(&abort), Ok(vec![Hidden, Control, Counts]));
    let empty = &abort[..HEADER_BYTES];
    assert_eq!(sights(empty), Ok(vec![Hidden, Control, Hidden]));
    assert!(sights(&abort[..HEADER_BYTES + 5]).is_err());
}
