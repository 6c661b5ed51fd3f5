//! Topics with a codec of their own.

use model::ErrorCode;
use wire::Chunks;
use wire::batch::{BatchBuilder, BatchView};
use wire::compression::Codec;

use crate::compacted::{create, records, set};
use crate::support::{Fixture, NOW_MS, assert_code, build, idempotent_batch};

fn codecs(chunks: Option<Chunks>) -> Vec<Codec> {
    let bytes = chunks.map(Chunks::into_bytes).unwrap_or_default();
    let mut codecs = Vec::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (batch, behind) = BatchView::parse(rest).unwrap();
        codecs.push(batch.attributes.codec().unwrap());
        rest = behind;
    }
    codecs
}

const TYPES: [(&str, Codec); 5] = [
    ("uncompressed", Codec::None),
    ("gzip", Codec::Gzip),
    ("snappy", Codec::Snappy),
    ("lz4", Codec::Lz4),
    ("zstd", Codec::Zstd),
];

#[tokio::test]
async fn a_topic_stores_its_own_codec_or_the_producers() {
    let mut fixture = Fixture::open().await;
    create(&mut fixture, &[]).await;
    let mut expected = Vec::new();
    for (wanted, codec) in TYPES {
        assert_code(
            set(&mut fixture, &[("compression.type", wanted)]).await,
            ErrorCode::None,
        );
        for sent in Codec::ALL {
            let batch = build(BatchBuilder::new().codec(sent), NOW_MS, &["some value"; 9]);
            let produced = fixture.produce("t", batch).await;
            assert_code(produced.error_code, ErrorCode::None);
            expected.push(codec);
        }
    }
    set(&mut fixture, &[("compression.type", "producer")]).await;
    for sent in Codec::ALL {
        let batch = build(BatchBuilder::new().codec(sent), NOW_MS, &["some value"; 9]);
        fixture.produce("t", batch).await;
        expected.push(sent);
    }
    let fetched = fixture.fetch("t", 0).await;
    assert_eq!(codecs(fetched.records.clone()), expected);
    let found = records(fetched.records);
    assert_eq!(found.len(), 30 * 9);
    for (offset, found) in (0..).zip(found) {
        assert_eq!(found, (offset, None, Some("some value".to_owned())));
    }
}

#[tokio::test]
async fn a_batch_is_not_larger_than_allowed_before_and_after() {
    let mut fixture = Fixture::open().await;
    let configs = [
        ("compression.type", "uncompressed"),
        ("max.message.bytes", "2000"),
    ];
    create(&mut fixture, &configs).await;
    let gzip = || BatchBuilder::new().codec(Codec::Gzip);
    let grows = build(gzip(), NOW_MS, &[&"x".repeat(3_000)]);
    assert!(grows.len() < 200);
    let produced = fixture.produce("t", grows).await;
    assert_code(produced.error_code, ErrorCode::MessageTooLarge);
    let fits = build(gzip(), NOW_MS, &[&"x".repeat(1_800)]);
    let produced = fixture.produce("t", fits).await;
    assert_code(produced.error_code, ErrorCode::None);
    set(&mut fixture, &[("compression.type", "gzip")]).await;
    let shrinks = build(BatchBuilder::new(), NOW_MS, &[&"x".repeat(3_000)]);
    let produced = fixture.produce("t", shrinks).await;
    assert_code(produced.error_code, ErrorCode::MessageTooLarge);
}

#[tokio::test]
async fn levels_act_and_a_retry_is_recognised() {
    let mut fixture = Fixture::open().await;
    create(&mut fixture, &[("compression.type", "gzip")]).await;
    let text: String = (0..4_000_u32)
        .map(|n| char::from(b'a' + (n.wrapping_mul(n) >> 7) as u8 % 16))
        .collect();
    let mut sizes = Vec::new();
    for level in ["1", "9"] {
        set(&mut fixture, &[("compression.gzip.level", level)]).await;
        let sequence = sizes.len() as i32;
        let batch = idempotent_batch(7, 0, sequence, &[&text]);
        let first = fixture.produce("t", batch.clone()).await;
        let again = fixture.produce("t", batch).await;
        assert_eq!(again.base_offset, first.base_offset);
        let fetched = fixture.fetch("t", first.base_offset).await;
        sizes.push(fetched.records.unwrap().len());
    }
    assert!(sizes[1] < sizes[0], "{sizes:?}");
}
