//! A few requests of Kafka's protocol, in versions that every broker has, and how long their answers take.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::brokers::ask;

const PRODUCE: [i16; 2] = [0, 3];
const LIST_OFFSETS: [i16; 2] = [2, 1];
const METADATA: [i16; 2] = [3, 1];

/// The timestamp that asks for the end of a partition.
pub(super) const LATEST: i64 = -1;

/// One connection, with one request at a time.
pub(super) struct Asker {
    stream: TcpStream,
}

impl Asker {
    pub(super) fn open(port: u16) -> Result<Self> {
        let stream = ask(port)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Asks for all topics.
    pub(super) fn metadata(&mut self) -> Result<Duration> {
        let (answer, taken) = self.exchange(METADATA, &(-1_i32).to_be_bytes())?;
        ensure!(answer.len() > 16, "there are no topics");
        Ok(taken)
    }

    /// Asks for the offsets of these partitions.
    pub(super) fn list_offsets(
        &mut self,
        topic: &str,
        partitions: &[i32],
        timestamp: i64,
    ) -> Result<Duration> {
        let mut body = Body::default();
        body.i32(-1).i32(1).text(topic).i32(partitions.len() as i32);
        for partition in partitions {
            body.i32(*partition).i64(timestamp);
        }
        let (answer, taken) = self.exchange(LIST_OFFSETS, &body.0)?;
        // One topic: number of topics, name, number of partitions; then each with index, error, time, offset.
        let answers = answer.get(4 + 2 + topic.len() + 4..).context("too short")?;
        ensure!(
            answers.len() == partitions.len() * 22,
            "another number of partitions"
        );
        let is_fine = |answer: &[u8]| answer.get(4..6) == Some(&[0, 0]);
        ensure!(answers.chunks(22).all(is_fine), "an offset is refused");
        Ok(taken)
    }

    /// Writes a batch to partition 0.
    pub(super) fn produce(&mut self, topic: &str, batch: &[u8]) -> Result<()> {
        let mut body = Body::default();
        body.i16(-1).i16(-1).i32(30_000);
        body.i32(1).text(topic).i32(1).i32(0);
        body.i32(batch.len() as i32);
        body.0.extend_from_slice(batch);
        let (answer, _) = self.exchange(PRODUCE, &body.0)?;
        let error = answer
            .get(4 + 2 + topic.len() + 4 + 4..)
            .context("too short")?;
        ensure!(
            error.starts_with(&[0, 0]),
            "a batch is refused: {:?}",
            error.get(..2)
        );
        Ok(())
    }

    /// What comes after the correlation id, and how long it took.
    fn exchange(&mut self, [key, version]: [i16; 2], body: &[u8]) -> Result<(Vec<u8>, Duration)> {
        let mut request = Body::default();
        request.i32(0).i16(key).i16(version).i32(1).i16(-1);
        request.0.extend_from_slice(body);
        let length = (request.0.len() - 4) as i32;
        request.0[..4].copy_from_slice(&length.to_be_bytes());
        let began = Instant::now();
        self.stream.write_all(&request.0)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length))?];
        self.stream.read_exact(&mut answer)?;
        let taken = began.elapsed();
        Ok((answer.split_off(4), taken))
    }
}

/// Bytes of a request.
#[derive(Default)]
pub(super) struct Body(pub(super) Vec<u8>);

impl Body {
    pub(super) fn i16(&mut self, value: i16) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn i32(&mut self, value: i32) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn i64(&mut self, value: i64) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.i16(value.len() as i16);
        self.0.extend_from_slice(value.as_bytes());
        self
    }
}
