"""Transactions that are open and one that hangs, by Kafka's own tool."""

from confluent_kafka import KafkaException, Producer

import hanging_transaction
from adapter_confluent import common

SECONDS = 30
TOOL = "kafka-transactions"
# Not only what is older than a transaction may become.
AT_ONCE = ("--max-transaction-timeout", "0")


def transactions(tools, report, topic):
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", 1).succeeded()
    first = transactional_producer(tools.bootstrap, "open")
    first.begin_transaction()
    write(first, topic)
    listed = rows(tools, "list")
    report.equal("transactions: list", [(row[0], row[3]) for row in listed], [("open", "Ongoing")])
    described = rows(tools, "describe", "--transactional-id", "open")[0]
    report.equal("transactions: description", (described[4], described[8]), ("Ongoing", f"{topic}-0"))
    producers = rows(tools, "describe-producers", "--topic", topic, "--partition", 0)
    report.equal("transactions: producers", [(row[0], row[5]) for row in producers], [(listed[0][2], "0")])
    report.equal("transactions: none hangs", hanging(tools, "--topic", topic), [])
    hangs(tools, report, topic)
    first.commit_transaction(SECONDS)
    ended_by_force(tools, report, topic)


def hangs(tools, report, topic):
    """Without verification a batch gets in that belongs to no transaction of any coordinator."""
    place = ("--entity-type", "brokers", "--entity-name", "0")
    setting = "transaction.partition.verification.enable"
    tools.run("kafka-configs", "--alter", *place, "--add-config", f"{setting}=false").succeeded()
    producer_id, epoch, offset = hanging_transaction.begin(tools.bootstrap, "hanging", topic)
    tools.run("kafka-configs", "--alter", *place, "--delete-config", setting).succeeded()
    for scope in [("--topic", topic), ("--broker-id", "0")]:
        found = [(row[:4], row[5]) for row in hanging(tools, *scope)]
        report.equal(f"transactions: one hangs, by {scope[0]}", found,
                     [([topic, "0", str(producer_id), str(epoch)], str(offset))])
    abort = ("abort", "--topic", topic, "--partition", 0, "--start-offset", offset)
    tools.run(TOOL, *abort).succeeded()
    report.equal("transactions: it is aborted", hanging(tools, "--topic", topic), [])
    again = tools.run(TOOL, *abort)
    report.check("transactions: and not once more",
                 [] if again.code == 1 and "Could not find any open" in again.errors else [again])


def ended_by_force(tools, report, topic):
    fenced = transactional_producer(tools.bootstrap, "fenced")
    fenced.begin_transaction()
    write(fenced, topic)
    tools.run(TOOL, "forceTerminateTransaction", "--transactionalId", "fenced").succeeded()
    producers = rows(tools, "describe-producers", "--topic", topic, "--partition", 0)
    report.equal("transactions: none is left open", {row[5] for row in producers}, {"None"})
    try:
        fenced.commit_transaction(SECONDS)
        report.check("transactions: its producer is fenced", ["it has committed"])
    except KafkaException as error:
        report.equal("transactions: its producer is fenced", error.args[0].name(), "_FENCED")


def transactional_producer(bootstrap, transactional_id):
    producer = Producer({**common(bootstrap), "transactional.id": transactional_id, "log_level": 0})
    producer.init_transactions(SECONDS)
    return producer


def write(producer, topic):
    producer.produce(topic, b"v", partition=0)
    producer.flush(SECONDS)


def rows(tools, *arguments):
    """The words of each line below the header of a table."""
    return tools.run(TOOL, *arguments).succeeded().rows()[1:]


def hanging(tools, *scope):
    return rows(tools, "find-hanging", *scope, *AT_ONCE)
