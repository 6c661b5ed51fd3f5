//! The integration tests of the crate `rdkafka`.

use super::Suite;
use super::crate_tests::CrateTests;
use super::package::Package;

pub(super) const SUITE: Suite = Suite {
    name: "rdkafka",
    // A topic that comes into being by its use has three in what its tests look at.
    settings: &[("num.partitions", "3")],
    port: Some(9092),
    prepare: |directory| TESTS.prepare(directory),
    run: |directory, port| TESTS.run(directory, port),
};

const TESTS: CrateTests = CrateTests {
    package: Package {
        name: "rdkafka",
        version: "0.39.0",
        sha256: "d7956f9ac12b5712e50372d9749a3102f4810a8d42481c5eae3748d36d585bcf",
    },
    targets: &[
        "test_admin",
        "test_high_consumers",
        "test_high_producers",
        "test_low_consumers",
        "test_low_producers",
        "test_metadata",
        "test_topic_partition_list",
        "test_transactions",
        "utils",
    ],
    replaced: &[],
    left_out: &[],
    environment: |port| vec![("KAFKA_HOST", format!("127.0.0.1:{port}"))],
};
