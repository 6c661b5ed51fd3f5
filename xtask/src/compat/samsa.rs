//! The integration tests of samsa, a client in Rust.

use super::Suite;
use super::crate_tests::CrateTests;
use super::package::Package;

pub(super) const SUITE: Suite = Suite {
    name: "samsa",
    settings: &[],
    port: Some(9092),
    prepare: |directory| TESTS.prepare(directory),
    run: |directory, port| TESTS.run(directory, port),
};

const TESTS: CrateTests = CrateTests {
    package: Package {
        name: "samsa",
        version: "0.1.8",
        sha256: "24c94daa6ae3559c0e981afe556056c611901ad74079e527b81af6231c0f7c98",
    },
    // Not those that ask for the HTTP interface of Redpanda.
    targets: &[
        "compression_setup",
        "consumer_builder",
        "consumer_group_builder",
        "create_delete_topic",
        "group",
        "metadata",
        "multi_partitions_setup",
        "offset",
        "produce_fetch",
        "write_and_read_1m_messages",
        "write_and_read_1m_messages_with_multi_partitions_and_compression",
    ],
    replaced: &[("rsasl", "2.3.1")],
    left_out: &[],
    environment: |port| vec![("KAFKA_BROKERS", format!("127.0.0.1:{port}"))],
};
