//! That the README tells the versions of the clients that are tested.

use anyhow::{Context, ensure};
use libtest_mimic::Failed;
use testkit::workspace_directory;

/// A client's first words in the table, and where its version stands: a file, and what is before and
/// behind it there.
const PINNED: &[(&str, &str, &str, &str)] = &[
    (
        "confluent-kafka",
        "requirements/confluent-kafka.txt",
        "confluent-kafka==",
        "\n",
    ),
    (
        "kafka-python",
        "requirements/kafka-python-3.txt",
        "kafka-python==",
        "\n",
    ),
    (
        "kafka-python",
        "requirements/kafka-python-2.txt",
        "kafka-python==",
        "\n",
    ),
    ("aiokafka", "requirements/aiokafka.txt", "aiokafka==", "\n"),
    (
        "kafka-clients",
        "java/pom.xml",
        "<artifactId>kafka-clients</artifactId>\n      <version>",
        "<",
    ),
    (
        "Apache Kafka",
        "tools/pom.xml",
        "<artifactId>kafka-tools</artifactId>\n      <version>",
        "<",
    ),
    ("franz-go", "go/go.mod", "github.com/twmb/franz-go v", "\n"),
    ("sarama", "go/go.mod", "github.com/IBM/sarama v", "\n"),
    ("kafkajs", "node/package.json", "\"kafkajs\": \"", "\""),
    (
        "node-rdkafka",
        "node/node_rdkafka/package.json",
        "\"node-rdkafka\": \"",
        "\"",
    ),
    (
        "rdkafka",
        "../../Cargo.lock",
        "name = \"rdkafka\"\nversion = \"",
        "\"",
    ),
];

/// Compares the table with the files.
pub(crate) fn check() -> Result<(), Failed> {
    compare().map_err(|error| Failed::from(format!("{error:#}")))
}

fn compare() -> anyhow::Result<()> {
    let readme = std::fs::read_to_string(workspace_directory().join("README.md"))?;
    for (client, file, before, behind) in PINNED {
        let path = workspace_directory().join("tests/real_clients").join(file);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let version = text
            .split_once(before)
            .and_then(|(_, rest)| rest.split_once(behind))
            .map(|(version, _)| version)
            .with_context(|| format!("{file} has no version of {client}"))?;
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| {client}")))
            .with_context(|| format!("the README does not name {client}"))?;
        ensure!(row.contains(version), "{client} is {version}, not: {row}");
    }
    Ok(())
}
