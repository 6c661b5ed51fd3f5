"""Groups and all ways of resetting their offsets, by Kafka's own tools."""

import tempfile
import time
from datetime import datetime, timezone

import adapter_confluent as librdkafka
from kafka_tools import Tools
from records import Planned
from scenario import wait_until
from scenario_codecs import produce

PARTITIONS = 2
PER_PARTITION = 100
RECORDS = PARTITIONS * PER_PARTITION
SECONDS = 60


def groups(bootstrap, report, options):
    tools = Tools(bootstrap)
    topic, group = f"resets-{options.seed}", f"reset-{options.seed}"
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", PARTITIONS).succeeded()
    # One half an hour ago, the other one a minute ago.
    now = int(time.time() * 1000)
    times = [now - (3_600_000 if tag < RECORDS // 2 else 60_000) + tag for tag in range(RECORDS)]
    produce(librdkafka, bootstrap, topic, "none",
            [Planned(tag % PARTITIONS, None, b"v%d" % tag, (), times[tag]) for tag in range(RECORDS)])
    with_a_member(tools, bootstrap, report, topic, group)
    resets(tools, report, topic, group, times)
    resets_by_file(tools, report, topic, group)
    deleted(tools, report, topic, group)


def with_a_member(tools, bootstrap, report, topic, group):
    consumer = librdkafka.ClientConsumer(bootstrap, group)
    consumer.subscribe(topic)
    seen = []
    wait_until(lambda: len(seen) == RECORDS, SECONDS, "all records",
               lambda: seen.extend(consumer.poll(0.1)))
    consumer.commit({0: PER_PARTITION, 1: PER_PARTITION - 30})
    report.equal("consumer-groups: offsets", described(tools, group),
                 {0: ("100", "100", "0"), 1: ("70", "100", "30")})
    state = tools.run("kafka-consumer-groups", "--describe", "--state", "--group", group).succeeded()
    report.equal("consumer-groups: state", state.rows()[-1][-3:], ["range", "Stable", "1"])
    members = tools.run("kafka-consumer-groups", "--describe", "--members", "--verbose", "--group",
                        group).succeeded().rows()[-1]
    report.equal("consumer-groups: members", (members[0], f"{topic}:0,1" in "".join(members)),
                 (group, True))
    refused = tools.run("kafka-consumer-groups", "--reset-offsets", "--to-earliest", "--execute",
                        "--group", group, "--topic", topic)
    report.check("consumer-groups: no reset under a member",
                 [] if "inactive" in refused.output + refused.errors else [refused])
    consumer.close()
    listed = tools.run("kafka-consumer-groups", "--list", "--state").succeeded().rows()
    report.equal("consumer-groups: list", listed[1:], [[group, "Empty"]])
    listed = tools.run("kafka-groups", "--list").succeeded().rows()
    report.equal("groups: list", listed[1:], [[group, "Classic", "consumer"]])


def described(tools, group):
    """Committed offset, end and lag of each partition."""
    rows = tools.run("kafka-consumer-groups", "--describe", "--group", group).succeeded().rows()
    return {int(row[2]): tuple(row[3:6]) for row in rows if row[0] == group}


def reset(tools, group, *arguments):
    ran = tools.run("kafka-consumer-groups", "--reset-offsets", "--group", group, *arguments).succeeded()
    return {int(row[2]): int(row[3]) for row in ran.rows() if row[0] == group}


def resets(tools, report, topic, group, times):
    since_the_middle = datetime.fromtimestamp(times[RECORDS // 2] / 1000, timezone.utc)
    in_the_first_half = datetime.fromtimestamp(times[40] / 1000, timezone.utc)
    everywhere = ("--topic", topic)
    for name, arguments, wanted in [
            ("to the earliest", ("--to-earliest", *everywhere), {0: 0, 1: 0}),
            ("to the latest", ("--to-latest", *everywhere), {0: 100, 1: 100}),
            ("to the latest of one partition", ("--to-latest", "--topic", f"{topic}:1"), {1: 100}),
            ("to an offset", ("--to-offset", "10", *everywhere), {0: 10, 1: 10}),
            ("beyond the end", ("--to-offset", "1000", *everywhere), {0: 100, 1: 100}),
            ("back", ("--shift-by", "-7", *everywhere), {0: 93, 1: 93}),
            ("forth", ("--shift-by", "5", *everywhere), {0: 98, 1: 98}),
            ("to the current one", ("--to-current", "--all-topics"), {0: 98, 1: 98}),
            ("to a time", ("--to-datetime", written(in_the_first_half), *everywhere), {0: 20, 1: 20}),
            ("to another time", ("--to-datetime", written(since_the_middle), "--all-topics"),
             {0: 50, 1: 50}),
            ("by a duration", ("--by-duration", "PT2H", *everywhere), {0: 0, 1: 0}),
            ("by a shorter one", ("--by-duration", "PT30M", *everywhere), {0: 50, 1: 50})]:
        report.equal(f"consumer-groups: {name}", reset(tools, group, "--execute", *arguments), wanted)
        committed = described(tools, group)
        report.equal(f"consumer-groups: {name}, committed",
                     {partition: int(committed[partition][0]) for partition in wanted}, wanted)
    report.equal("consumer-groups: a dry run",
                 reset(tools, group, "--dry-run", "--to-earliest", *everywhere), {0: 0, 1: 0})
    report.equal("consumer-groups: it has changed nothing", described(tools, group),
                 {0: ("50", "100", "50"), 1: ("50", "100", "50")})


def written(moment):
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def resets_by_file(tools, report, topic, group):
    exported = tools.run("kafka-consumer-groups", "--reset-offsets", "--group", group, "--to-current",
                         "--topic", topic, "--dry-run", "--export").succeeded()
    rows = [line for line in exported.lines() if line]
    report.equal("consumer-groups: an export", sorted(rows), [f"{topic},0,50", f"{topic},1,50"])
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write(f"{topic},0,7\n{topic},1,8\n")
        file.flush()
        report.equal("consumer-groups: from a file",
                     reset(tools, group, "--execute", "--from-file", file.name), {0: 7, 1: 8})
    report.equal("consumer-groups: from a file, committed", described(tools, group),
                 {0: ("7", "100", "93"), 1: ("8", "100", "92")})


def deleted(tools, report, topic, group):
    ran = tools.run("kafka-consumer-groups", "--delete-offsets", "--group", group, "--topic",
                    f"{topic}:0").succeeded()
    report.equal("consumer-groups: offsets deleted", ran.rows()[-1], [topic, "0", "Successful"])
    report.equal("consumer-groups: offsets left", described(tools, group), {1: ("8", "100", "92")})
    ran = tools.run("kafka-consumer-groups", "--delete", "--group", group).succeeded()
    report.check("consumer-groups: deleted", [] if "was successful" in ran.output else [ran])
    report.equal("consumer-groups: an empty list",
                 tools.run("kafka-consumer-groups", "--list").succeeded().output.strip(), "")
