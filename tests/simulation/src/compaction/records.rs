//! Batches of keyed records, and of markers, made and read by code that the engine does not share.

use crate::batch::{CONTROL, HEADER_BYTES, TRANSACTIONAL, read_bytes, read_varint, seal, varint};

/// A record as a client sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub key: Vec<u8>,
    /// None: a tombstone.
    pub value: Option<Vec<u8>>,
    pub timestamp_ms: i64,
}

/// Who sends a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    pub producer_id: i64,
    pub epoch: i16,
    pub sequence: i32,
    pub is_transactional: bool,
}

/// A batch of data.
pub(super) fn build(records: &[Record], sender: Option<Sender>) -> Vec<u8> {
    let transactional = sender.is_some_and(|sender| sender.is_transactional);
    let attributes = if transactional { TRANSACTIONAL } else { 0 };
    assemble(records, attributes, sender)
}

/// A batch that ends a transaction.
pub(super) fn marker(producer_id: i64, is_commit: bool, timestamp_ms: i64) -> Vec<u8> {
    let sender = Sender {
        producer_id,
        epoch: 0,
        sequence: -1,
        is_transactional: true,
    };
    let record = Record {
        key: vec![0, 0, 0, u8::from(is_commit)],
        value: Some(vec![0; 6]),
        timestamp_ms,
    };
    assemble(&[record], TRANSACTIONAL | CONTROL, Some(sender))
}

fn assemble(records: &[Record], attributes: i16, sender: Option<Sender>) -> Vec<u8> {
    let first = records.first().map_or(-1, |record| record.timestamp_ms);
    let latest = records.iter().map(|record| record.timestamp_ms).max();
    let mut body = Vec::new();
    for (delta, sent) in records.iter().enumerate() {
        let Record {
            key,
            value,
            timestamp_ms,
        } = sent;
        let mut record = vec![0];
        varint(&mut record, timestamp_ms - first);
        varint(&mut record, delta as i64);
        varint(&mut record, key.len() as i64);
        record.extend_from_slice(key);
        match value {
            Some(value) => {
                varint(&mut record, value.len() as i64);
                record.extend_from_slice(value);
            }
            None => varint(&mut record, -1),
        }
        varint(&mut record, 0);
        varint(&mut body, record.len() as i64);
        body.extend_from_slice(&record);
    }
    let count = records.len() as i32;
    let (id, epoch, sequence) = sender.map_or((-1, -1, -1), |sender| {
        (sender.producer_id, sender.epoch, sender.sequence)
    });
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(&0_i64.to_be_bytes());
    bytes.extend_from_slice(&((HEADER_BYTES - 12 + body.len()) as i32).to_be_bytes());
    bytes.extend_from_slice(&(-1_i32).to_be_bytes());
    bytes.push(2);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&attributes.to_be_bytes());
    bytes.extend_from_slice(&(count - 1).to_be_bytes());
    bytes.extend_from_slice(&first.to_be_bytes());
    bytes.extend_from_slice(&latest.unwrap_or(-1).to_be_bytes());
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes.extend_from_slice(&count.to_be_bytes());
    bytes.extend_from_slice(&body);
    seal(&mut bytes);
    bytes
}

/// The records of a batch with their offsets.
pub(super) fn read(batch: &[u8]) -> Result<Vec<(i64, Record)>, String> {
    let base_offset = i64::from_be_bytes(batch[..8].try_into().unwrap());
    let base_timestamp = i64::from_be_bytes(batch[27..35].try_into().unwrap());
    let count = i32::from_be_bytes(batch[57..61].try_into().unwrap());
    let mut rest = &batch[HEADER_BYTES..];
    let mut records = Vec::new();
    for _ in 0..count {
        let record = read_one(&mut rest, base_offset, base_timestamp);
        records.push(record.ok_or_else(|| format!("a record at {base_offset} is malformed"))?);
    }
    if !rest.is_empty() {
        return Err(format!("bytes behind the records at {base_offset}"));
    }
    Ok(records)
}

fn read_one(rest: &mut &[u8], base_offset: i64, base_timestamp: i64) -> Option<(i64, Record)> {
    let length = usize::try_from(read_varint(rest)?).ok()?;
    let (mut body, after) = rest.split_at_checked(length)?;
    *rest = after;
    body = body.get(1..)?;
    let timestamp_ms = base_timestamp + read_varint(&mut body)?;
    let offset = base_offset + read_varint(&mut body)?;
    let key = read_bytes(&mut body)??.to_vec();
    let value = read_bytes(&mut body)?.map(<[u8]>::to_vec);
    (body == [0]).then_some((
        offset,
        Record {
            key,
            value,
            timestamp_ms,
        },
    ))
}

#[test]
fn records_come_back() {
    let records = [
        Record {
            key: b"a".to_vec(),
            value: Some(b"1".to_vec()),
            timestamp_ms: 500,
        },
        Record {
            key: b"b".to_vec(),
            value: None,
            timestamp_ms: 400,
        },
    ];
    let batch = build(&records, None);
    let read = read(&batch).unwrap();
    assert_eq!(read, [(0, records[0].clone()), (1, records[1].clone())]);
    let marker = marker(7, true, 1);
    assert_eq!(crate::batch::marker(&marker), Some(Ok(true)));
}
