//! Bytes that no client sends, on the Kafka port: an answer of the protocol or a closed connection,
//! never a hang, no memory kept, and other connections notice nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use testkit::{BrokerOptions, BrokerProcess, Connection, batch, frame, produce_request};
use wire::batch::{BatchBuilder, NewRecord};
use wire::messages::init_producer_id::InitProducerIdRequest;
use wire::messages::metadata::MetadataRequest;
use wire::messages::produce::ProduceRequest;
use wire::{Message, Request, encode_request};
use workspace_tests::http_get;

/// How much resident memory may grow under thousands of bad requests.
const GROWTH_BYTES_MAX: u64 = 32 << 20;

macro_rules! empty_requests {
    ($($name:ident = $key:literal, $versions:expr, $flexible_from:expr, $module:ident, $request:ident, $response:ident;)*) => {
        /// The requests of all APIs in all versions with nothing in them, as frames without length.
        fn empty_requests() -> Vec<Bytes> {
            let mut all = Vec::new();
            $(add::<wire::messages::$module::$request>(&mut all);)*
            all
        }
    };
}

wire::for_each_api!(empty_requests);

fn add<R: Request + Default>(all: &mut Vec<Bytes>) {
    for version in <R as Message>::VERSIONS {
        let whole = encode_request(&R::default(), version, 7, None).into_bytes();
        all.push(whole.slice(4..));
    }
}

/// A reproducible stream of numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Sends bytes on a connection of their own and waits until the broker has closed it, having
/// answered or not; a broker that does neither in time fails the test.
fn send_and_see_the_end(broker: &BrokerProcess, bytes: &[u8]) -> anyhow::Result<usize> {
    let mut connection = Connection::open(broker.kafka())?;
    // The broker may close before it has read all of it, which sending then notices.
    let sent = connection
        .send(bytes)
        .and_then(|()| connection.finish_sending());
    let mut answers = 0;
    while connection.receive()?.is_some() {
        answers += 1;
    }
    ensure!(
        sent.is_ok() || answers == 0,
        "answered and not read: {sent:?}"
    );
    Ok(answers)
}

/// A client that asks for metadata all the time, in a thread, and fails on anything unusual.
struct Witness {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<anyhow::Result<u64>>,
}

impl Witness {
    fn start(broker: &BrokerProcess) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut connection = Connection::open(broker.kafka())?;
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut calls = 0;
            while !stopped.load(Ordering::Relaxed) {
                let metadata = connection.call(&MetadataRequest::default(), 9)?;
                ensure!(metadata.brokers.len() == 1, "{metadata:?}");
                calls += 1;
            }
            Ok(calls)
        });
        Ok(Self { stop, thread })
    }

    fn finish(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let Ok(calls) = self.thread.join() else {
            bail!("the witness panicked")
        };
        ensure!(calls? > 0, "the witness was not served");
        Ok(())
    }
}

/// How many connections were closed for a reason, as the metrics tell.
fn closed_for(broker: &BrokerProcess, reason: &str) -> anyhow::Result<u64> {
    let (status, metrics) = http_get(broker.http(), "/metrics")?;
    ensure!(status == 200, "metrics: {status}");
    let wanted = format!("ottla_connections_closed_total{{reason=\"{reason}\"}} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(&wanted));
    value.map_or(Ok(0), |value| value.parse().context("a number"))
}

#[test]
fn thousands_of_bad_requests() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let requests = empty_requests();
    ensure!(requests.len() > 100, "every API in every version");
    // Buffers and threads that any load brings are not counted.
    for request in &requests {
        send_and_see_the_end(&broker, &frame(request))?;
    }
    let before = broker.resident_bytes()?;
    let witness = Witness::start(&broker)?;
    let mut numbers = Numbers(20_261_121);
    for request in &requests {
        for _ in 0..6 {
            let cut = numbers.below(request.len());
            send_and_see_the_end(&broker, &frame(request.get(..cut).unwrap_or_default()))?;
        }
        for _ in 0..16 {
            let mut flipped = request.to_vec();
            for _ in 0..=numbers.below(3) {
                let at = numbers.below(flipped.len());
                if let Some(byte) = flipped.get_mut(at) {
                    *byte ^= 1 << numbers.below(8);
                }
            }
            send_and_see_the_end(&broker, &frame(&flipped))?;
        }
        // The header of a request, and then counts that promise gigabytes.
        let mut promising = request.get(..10).unwrap_or_default().to_vec();
        promising.extend([0x7f, 0xff, 0xff, 0xff].repeat(8));
        send_and_see_the_end(&broker, &frame(&promising))?;
        let mut promising = request.get(..11).unwrap_or_default().to_vec();
        promising.extend([0xff, 0xff, 0xff, 0xff, 0x07].repeat(6));
        send_and_see_the_end(&broker, &frame(&promising))?;
    }
    for _ in 0..500 {
        let noise: Vec<u8> = (0..numbers.below(300))
            .map(|_| numbers.next() as u8)
            .collect();
        send_and_see_the_end(&broker, &frame(&noise))?;
        send_and_see_the_end(&broker, &noise)?;
    }
    witness.finish()?;
    let after = broker.resident_bytes()?;
    let growth = after.saturating_sub(before);
    ensure!(
        growth < GROWTH_BYTES_MAX,
        "grew by {growth} bytes to {after}"
    );
    ensure!(
        closed_for(&broker, "bad_request")? > 1_000,
        "they are counted"
    );
    broker.finish()
}

#[test]
fn frames_that_are_none_are_closed_with_a_reason() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let hello: Vec<u8> = [&[0x16, 3, 1, 0x02, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 200]].concat();
    let unknown_api = frame(&[0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);
    let unknown_version = frame(&[0, 3, 0x7f, 0, 0, 0, 0, 1, 0xff, 0xff]);
    let cases: &[(&str, &[u8])] = &[
        ("frame_negative", &(-1_i32).to_be_bytes()),
        ("frame_negative", &i32::MIN.to_be_bytes()),
        ("frame_too_large", &i32::MAX.to_be_bytes()),
        (
            "frame_too_large",
            &(100 * 1024 * 1024 + 1_i32).to_be_bytes(),
        ),
        (
            "http_request",
            b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        (
            "http_request",
            b"POST /topics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ),
        ("tls_hello", &hello),
        ("unknown_api", &unknown_api),
        ("unsupported_version", &unknown_version),
        ("bad_header", &frame(&[])),
        ("bad_header", &frame(&[0, 3, 0])),
    ];
    let witness = Witness::start(&broker)?;
    for (reason, bytes) in cases {
        let before = closed_for(&broker, reason)?;
        for _ in 0..100 {
            // Not closed from our side: the broker must see by itself that nothing can follow.
            let mut connection = Connection::open(broker.kafka())?;
            connection.send(bytes)?;
            let answer = connection.receive()?;
            ensure!(answer.is_none(), "{reason}: answered with {answer:?}");
        }
        let counted = closed_for(&broker, reason)? - before;
        ensure!(
            counted == 100,
            "{reason}: {counted} of 100 are counted for {bytes:?}"
        );
    }
    witness.finish()?;
    broker.finish()
}

/// One partition to write to, and what it answers.
struct Target {
    connection: Connection,
}

impl Target {
    const TOPIC: &str = "target";

    fn new(broker: &BrokerProcess) -> anyhow::Result<Self> {
        let mut connection = Connection::open(broker.kafka())?;
        let code = connection.create_topic(Self::TOPIC, 1)?;
        ensure!(code == 0, "create: {code}");
        Ok(Self { connection })
    }

    /// The error code and the base offset for a batch.
    fn write(&mut self, batch: Vec<u8>) -> anyhow::Result<(i16, i64)> {
        let answer = self.connection.produce(Self::TOPIC, 0, batch)?;
        Ok((answer.error_code, answer.base_offset))
    }

    fn good() -> Vec<u8> {
        batch(1_000, [b"one".as_slice(), b"two"])
    }

    /// A good batch with one byte changed; `redo_crc` hides the change from the checksum.
    fn changed(at: usize, change: u8, redo_crc: bool) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Self::good();
        *bytes.get_mut(at).context("within the batch")? ^= change;
        if redo_crc {
            let crc = crc32c(bytes.get(21..).context("a header")?);
            bytes
                .get_mut(17..21)
                .context("a header")?
                .copy_from_slice(&crc.to_be_bytes());
        }
        Ok(bytes)
    }
}

/// CRC-32C, bit by bit, so that the check shares no code with what is checked.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[test]
fn batches_that_are_wrong_are_refused() -> anyhow::Result<()> {
    const CORRUPT_MESSAGE: i16 = 2;
    const MESSAGE_TOO_LARGE: i16 = 10;
    const INVALID_RECORD: i16 = 87;
    let broker = BrokerOptions::new().start()?;
    let mut target = Target::new(&broker)?;
    let refused: &[(&str, Vec<u8>, i16)] = &[
        (
            "a bit of a record",
            Target::changed(65, 1, false)?,
            CORRUPT_MESSAGE,
        ),
        (
            "a bit of the CRC",
            Target::changed(18, 1, false)?,
            CORRUPT_MESSAGE,
        ),
        ("magic 1", Target::changed(16, 3, false)?, INVALID_RECORD),
        ("magic 3", Target::changed(16, 1, false)?, INVALID_RECORD),
        (
            "a length beyond the end",
            Target::changed(11, 0x40, false)?,
            CORRUPT_MESSAGE,
        ),
        (
            "a negative length",
            Target::changed(8, 0x80, false)?,
            CORRUPT_MESSAGE,
        ),
        (
            "a count of 3 for 2",
            Target::changed(60, 1, true)?,
            INVALID_RECORD,
        ),
        (
            "a last offset delta of 0",
            Target::changed(26, 1, true)?,
            INVALID_RECORD,
        ),
        (
            "a control batch",
            Target::changed(22, 0x20, true)?,
            INVALID_RECORD,
        ),
        ("no batch", Vec::new(), INVALID_RECORD),
        (
            "half a header",
            Target::good()[..30].to_vec(),
            CORRUPT_MESSAGE,
        ),
        (
            "two batches",
            [Target::good(), Target::good()].concat(),
            INVALID_RECORD,
        ),
        (
            "too many bytes",
            batch(1, [vec![1; 1_048_600].as_slice()]),
            MESSAGE_TOO_LARGE,
        ),
    ];
    let mut wrong = Vec::new();
    for (what, bytes, code) in refused {
        let answer = target.write(bytes.clone())?;
        if answer != (*code, -1) {
            wrong.push(format!("{what}: {answer:?}, expected ({code}, -1)"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    // None of them left a trace.
    assert_eq!(target.write(Target::good())?, (0, 0));
    assert_eq!(target.write(Target::good())?, (0, 2));
    assert_eq!(target.connection.batches(Target::TOPIC, 0)?.len(), 2);
    broker.finish()
}

#[test]
fn sequences_that_are_wrong_are_refused() -> anyhow::Result<()> {
    const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
    const INVALID_PRODUCER_EPOCH: i16 = 47;
    const INVALID_RECORD: i16 = 87;
    let broker = BrokerOptions::new().start()?;
    let mut target = Target::new(&broker)?;
    let request = InitProducerIdRequest {
        transactional_id: None,
        ..Default::default()
    };
    let answer = target.connection.call(&request, 1)?;
    ensure!(
        answer.error_code == 0,
        "InitProducerId: {}",
        answer.error_code
    );
    let write = |target: &mut Target, epoch: i16, sequence: i32| {
        let mut builder = BatchBuilder::new().producer(
            model::ProducerId(answer.producer_id),
            model::ProducerEpoch(epoch),
            sequence,
        );
        builder.push(NewRecord {
            timestamp: 1_000,
            value: Some(b"value"),
            ..NewRecord::default()
        });
        target.write(builder.build())
    };
    assert_eq!(write(&mut target, 0, 0)?, (0, 0));
    assert_eq!(write(&mut target, 0, 1)?, (0, 1));
    assert_eq!(
        write(&mut target, 0, 0)?,
        (0, 0),
        "a duplicate has its first offset"
    );
    assert_eq!(
        write(&mut target, 0, 3)?,
        (OUT_OF_ORDER_SEQUENCE_NUMBER, -1)
    );
    assert_eq!(write(&mut target, 0, -1)?, (INVALID_RECORD, -1));
    assert_eq!(
        write(&mut target, 1, 5)?,
        (OUT_OF_ORDER_SEQUENCE_NUMBER, -1)
    );
    assert_eq!(write(&mut target, 1, 0)?, (0, 2));
    assert_eq!(write(&mut target, 0, 2)?, (INVALID_PRODUCER_EPOCH, -1));
    assert_eq!(target.connection.batches(Target::TOPIC, 0)?.len(), 3);
    broker.finish()
}

/// With acks=0 there is no answer, not even for an error: closing is the only signal.
#[test]
fn a_bad_batch_without_acknowledgement_closes() -> anyhow::Result<()> {
    let broker = BrokerOptions::new().start()?;
    let mut target = Target::new(&broker)?;
    let good = produce_request(Target::TOPIC, 0, Target::good(), 0);
    target.connection.start::<ProduceRequest>(&good, 9)?;
    // The next answer is that of the next request.
    assert_eq!(target.write(Target::good())?, (0, 2));
    let bad = produce_request(Target::TOPIC, 0, Target::changed(65, 1, false)?, 0);
    target.connection.start::<ProduceRequest>(&bad, 9)?;
    let answer = target.connection.receive()?;
    ensure!(answer.is_none(), "answered with {answer:?}");
    broker.finish()
}
