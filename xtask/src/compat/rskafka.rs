//! The integration tests of rskafka, a client in Rust.

use super::Suite;
use super::crate_tests::CrateTests;
use super::package::Package;

pub(super) const SUITE: Suite = Suite {
    name: "rskafka",
    // One looks for a topic that nobody makes.
    settings: &[("auto.create.topics.enable", "false")],
    port: None,
    prepare: |directory| TESTS.prepare(directory),
    run: |directory, port| TESTS.run(directory, port),
};

const TESTS: CrateTests = CrateTests {
    package: Package {
        name: "rskafka",
        version: "0.6.0",
        sha256: "849b87417a191e37e16b8893eba8928bbd10e1989e6b57c4f8531549eaa29bdc",
    },
    targets: &["client", "consumer", "produce_consume", "producer"],
    replaced: &[("rsasl", "2.3.1")],
    // Kafka's Java client in the same process, which fetches its jars by itself; a listener with SASL.
    left_out: &["java", "test_sasl"],
    environment: |port| {
        vec![
            ("TEST_INTEGRATION", "1".to_owned()),
            ("TEST_BROKER_IMPL", "kafka".to_owned()),
            // Without it some that need no Java do nothing either.
            ("TEST_JAVA_INTEROPT", "1".to_owned()),
            ("KAFKA_CONNECT", format!("127.0.0.1:{port}")),
        ]
    },
};
