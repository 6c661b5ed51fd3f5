"""Topics, settings, quotas, transactions, and what a broker says of itself, by Kafka's own tools."""

import json
import re

from kafka_tools import Tools
from kafka_tools_transactions import transactions

PARTITIONS = 3


def admin(bootstrap, report, options):
    tools = Tools(bootstrap)
    topic = f"tools-{options.seed}"
    topics(tools, report, topic)
    configs(tools, report, topic)
    quotas(tools, report)
    broker(tools, report, topic)
    transactions(tools, report, f"transactions-{options.seed}")
    tools.run("kafka-topics", "--delete", "--topic", topic).succeeded()
    gone = tools.run("kafka-topics", "--describe", "--topic", topic)
    report.check("topics: deleted", [] if gone.code == 1 and "does not exist" in gone.output else [gone])


def topics(tools, report, topic):
    made = tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", PARTITIONS,
                     "--config", "retention.ms=3600000").succeeded()
    report.equal("topics: created", made.output.strip(), f"Created topic {topic}.")
    again = tools.run("kafka-topics", "--create", "--topic", topic)
    report.check("topics: it exists", [] if again.code == 1 and "exists" in again.output else [again])
    report.equal("topics: list", tools.run("kafka-topics", "--list").succeeded().lines(), [topic])
    tools.run("kafka-topics", "--alter", "--topic", topic, "--partitions", PARTITIONS + 1).succeeded()
    described = tools.run("kafka-topics", "--describe", "--topic", topic).succeeded().lines()
    report.equal("topics: description", facts(described[0], "Topic", "PartitionCount",
                                              "ReplicationFactor", "Configs"),
                 [topic, str(PARTITIONS + 1), "1", "retention.ms=3600000"])
    report.equal("topics: partitions",
                 [facts(line, "Partition", "Leader", "Replicas", "Isr") for line in described[1:]],
                 [[str(partition), "0", "0", "0"] for partition in range(PARTITIONS + 1)])


def facts(line, *names):
    """What a line says like `Name: value`, with tabs between."""
    told = dict(part.split(": ", 1) for part in line.strip().split("\t") if ": " in part)
    return [told.get(name) for name in names]


def configs(tools, report, topic):
    altered = tools.run("kafka-configs", "--alter", "--topic", topic, "--add-config",
                        "max.message.bytes=2000").succeeded()
    report.equal("configs: altered", altered.output.strip(),
                 f"Completed updating config for topic {topic}.")
    report.equal("configs: of a topic", dynamic(tools, "--topic", topic),
                 {"retention.ms": "3600000", "max.message.bytes": "2000"})
    tools.run("kafka-configs", "--alter", "--topic", topic, "--delete-config", "retention.ms").succeeded()
    report.equal("configs: one taken back", dynamic(tools, "--topic", topic),
                 {"max.message.bytes": "2000"})
    wrong = tools.run("kafka-configs", "--alter", "--topic", topic, "--add-config", "retention.ms=soon")
    report.check("configs: a wrong value",
                 [] if wrong.code == 1 and "InvalidConfigurationException" in wrong.errors else [wrong])
    defaults = tools.run("kafka-configs", "--describe", "--all", "--topic", topic).succeeded()
    report.check("configs: all of a topic", [] if "retention.ms=604800000" in defaults.output
                 and "sensitive=false" in defaults.output else [defaults])
    for entity, name, setting, value in [
            ("brokers", "0", "log.retention.ms", "7200000"),
            ("groups", "some-group", "consumer.session.timeout.ms", "50000")]:
        place = ("--entity-type", entity, "--entity-name", name)
        tools.run("kafka-configs", "--alter", *place, "--add-config", f"{setting}={value}").succeeded()
        report.equal(f"configs: of {entity}", dynamic(tools, *place), {setting: value})
        tools.run("kafka-configs", "--alter", *place, "--delete-config", setting).succeeded()
        report.equal(f"configs: of {entity}, taken back", dynamic(tools, *place), {})


def dynamic(tools, *place):
    """The settings that were set, by a description."""
    lines = tools.run("kafka-configs", "--describe", *place).succeeded().lines()
    return dict(line.split()[0].split("=", 1) for line in lines if line.startswith("  "))


def quotas(tools, report):
    place = ("--entity-type", "clients", "--entity-name", "slow")
    tools.run("kafka-configs", "--alter", *place, "--add-config", "producer_byte_rate=10000").succeeded()
    described = tools.run("kafka-configs", "--describe", *place).succeeded()
    report.equal("configs: of clients", described.output.strip(),
                 "Quota configs for client-id 'slow' are producer_byte_rate=10000.0")
    tools.run("kafka-configs", "--alter", *place, "--delete-config", "producer_byte_rate").succeeded()
    report.equal("configs: of clients, taken back",
                 tools.run("kafka-configs", "--describe", *place).succeeded().output.strip(), "")


def broker(tools, report, topic):
    versions = tools.run("kafka-broker-api-versions").succeeded().output
    offered = dict(re.findall(r"\t(\w+)\(\d+\): .*\[usable: (\d+)\]", versions))
    report.equal("broker-api-versions", [offered.get(api) for api in (
        "Produce", "Fetch", "ConsumerGroupHeartbeat")], ["13", "18", "1"])
    features = tools.run("kafka-features", "describe").succeeded().rows()
    report.equal("features", [(row[1], row[5], row[7]) for row in features],
                 [("group.version", "1", "1"), ("transaction.version", "2", "2")])
    described = tools.run("kafka-log-dirs", "--describe", "--topic-list", topic).succeeded().lines()
    directories = json.loads(described[-1])["brokers"][0]["logDirs"]
    report.equal("log-dirs", sorted(place["partition"] for directory in directories
                                    for place in directory["partitions"]),
                 [f"{topic}-{partition}" for partition in range(PARTITIONS + 1)])
