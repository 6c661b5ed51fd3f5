"""Apache Kafka's own tools. They are no library, so their scenarios are made of calls."""

import json
import os
import random
import subprocess
import tempfile
import threading
import time

from kafka_tools import COMMAND, TOOLS, Tools
from kafka_tools_administration import admin  # noqa: F401
from kafka_tools_groups import groups  # noqa: F401
from records import Record, compare, in_order
from scenario import Failed, event

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 3
RECORDS_PER_CODEC = 1_000
# What stands for null on the lines of the console tools.
NULL = "\u2205"
SECONDS = 120


def codecs(bootstrap, report, options):
    tools = Tools(bootstrap)
    for codec in CODECS:
        topic = f"console-{codec}-{options.seed}"
        tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", PARTITIONS).succeeded()
        through_the_console(tools, report, topic, codec, options.seed)
        event("written", topic=topic, codec=codec, partitions=PARTITIONS)
    performance(tools, report, options)


def through_the_console(tools, report, topic, codec, seed):
    rng = random.Random(seed)
    planned = []
    for tag in range(RECORDS_PER_CODEC):
        value = NULL if tag % 17 == 3 else f"h\u00e9-{tag} " * rng.randrange(1, 60)
        planned.append((f"first:{tag},second:{tag % 3}", f"key-{tag}", value))
    since = int(time.time() * 1000)
    properties = ["parse.key=true", "parse.headers=true", "key.separator=|", f"null.marker={NULL}"]
    tools.run("kafka-console-producer", "--topic", topic, "--compression-codec", codec,
              *(word for name in properties for word in ("--reader-property", name)),
              stdin="".join(f"{headers}\t{key}|{value}\n" for headers, key, value in planned)
              ).succeeded()
    until = int(time.time() * 1000)

    printed = ["timestamp", "partition", "offset", "headers", "key"]
    properties = [*(f"print.{name}=true" for name in printed), f"null.literal={NULL}"]
    read = tools.run("kafka-console-consumer", "--topic", topic, "--from-beginning", "--max-messages",
                     RECORDS_PER_CODEC, "--timeout-ms", SECONDS * 1000,
                     *(word for name in properties for word in ("--formatter-property", name))
                     ).succeeded()
    lines = [line.split("\t") for line in read.lines()]
    report.check(f"{codec}: timestamps", [line for line in lines if not
                                          since <= int(line[0].removeprefix("CreateTime:")) <= until])
    records = [Record(int(partition.removeprefix("Partition:")), int(offset.removeprefix("Offset:")),
                      key, value, headers, 0)
               for _, partition, offset, headers, key, value in lines]
    report.check(f"{codec}: order of offsets", in_order(records))
    # The producer does not tell where it has written what, so each key is there once.
    places = {record.key: (record.partition, record.offset) for record in records}
    wanted = [Record(*places.get(key, (None, index)), key, value, headers, 0)
              for index, (headers, key, value) in enumerate(planned)]
    report.check(f"{codec}: {len(records)} records as written", compare(wanted, records))
    report.check(f"{codec}: order of writing", in_order_of_writing(records))


def in_order_of_writing(records):
    last, differences = {}, []
    for record in records:
        tag = int(record.key.removeprefix("key-"))
        if tag < last.get(record.partition, 0):
            differences.append(f"{record.key} is behind key-{last[record.partition]}")
        last[record.partition] = tag
    return differences


def performance(tools, report, options):
    topic = f"performance-{options.seed}"
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", PARTITIONS).succeeded()
    ran = tools.run("kafka-producer-perf-test", "--topic", topic, "--num-records", options.records,
                    "--record-size", 100, "--throughput", -1, "--command-property",
                    f"bootstrap.servers={tools.bootstrap}", "acks=all",
                    "compression.type=zstd").succeeded()
    report.equal("producer-perf-test", ran.output.split(",")[0], f"{options.records} records sent")
    report.equal("get-offsets", sum(offsets(tools, topic, "latest").values()), options.records)
    deleted(tools, report, topic)


def deleted(tools, report, topic):
    report.equal("get-offsets of the earliest", offsets(tools, topic, "earliest"),
                 dict.fromkeys(range(PARTITIONS), 0))
    wanted = {"partitions": [{"topic": topic, "partition": 1, "offset": 5}], "version": 1}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(wanted, file)
        file.flush()
        ran = tools.run("kafka-delete-records", "--offset-json-file", file.name).succeeded()
    report.check("delete-records", [] if f"{topic}-1\tlow_watermark: 5" in ran.output else [ran])
    report.equal("get-offsets after delete-records", offsets(tools, topic, "earliest"),
                 {0: 0, 1: 5, 2: 0})


def offsets(tools, topic, when):
    listed = tools.run("kafka-get-offsets", "--topic", topic, "--time", when).succeeded()
    places = (line.rsplit(":", 2) for line in listed.lines())
    return {int(partition): int(offset) for _, partition, offset in places}


class Verifiable(threading.Thread):
    """A verifiable producer or consumer, in a process of its own: it does its last things when the
    virtual machine ends."""

    def __init__(self, tool, bootstrap, *arguments):
        super().__init__(daemon=True)
        command = [*COMMAND[:-1], TOOLS[tool], "--bootstrap-server", bootstrap, *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.told = []
        self.start()

    def run(self):
        acknowledged = 0
        for line in self.process.stdout:
            line = json.loads(line)
            self.told.append(line)
            if line["name"] == "producer_send_success":
                acknowledged += 1
                if acknowledged % 100 == 0:
                    event("acknowledged", count=acknowledged)

    def finish(self):
        self.process.wait(SECONDS)
        self.join(SECONDS)
        return self

    def named(self, name):
        return [line for line in self.told if line["name"] == name]


def kills(bootstrap, report, options):
    """The verifiable producer goes on through the kills, and the verifiable consumer reads what it has
    written."""
    topic = f"verifiable-{options.seed}"
    tools = Tools(bootstrap)
    tools.run("kafka-topics", "--create", "--topic", topic, "--partitions", 1).succeeded()
    with tempfile.TemporaryDirectory() as directory:
        settings = os.path.join(directory, "producer.properties")
        with open(settings, "w") as file:
            # By itself it does not retry.
            file.write("enable.idempotence=true\nretries=2147483647\nreconnect.backoff.ms=50\n"
                       "reconnect.backoff.max.ms=250\nretry.backoff.ms=50\n")
        producer = Verifiable("kafka-verifiable-producer", bootstrap, "--topic", topic, "--max-messages",
                              options.records, "--throughput", 2_000, "--command-config", settings).finish()
    sent = producer.named("producer_send_success")
    report.equal("failed sends", producer.named("producer_send_error"), [])
    report.equal("records acknowledged", len(sent), options.records)
    report.equal("what the producer says in the end",
                 [(line["sent"], line["acked"]) for line in producer.named("tool_data")],
                 [(options.records, options.records)])
    consumer = Verifiable("kafka-verifiable-consumer", bootstrap, "--topic", topic, "--group-id",
                          f"verifiable-{options.seed}", "--max-messages", options.records, "--verbose",
                          "--reset-policy", "earliest").finish()
    read = as_records(consumer.named("record_data"))
    report.check("order", in_order(read))
    report.check(f"{len(read)} records, each acknowledged once and read once",
                 compare(as_records(sent), read))
    committed = [line for line in consumer.named("offsets_committed") if line["success"]]
    if not committed:
        raise Failed("nothing was committed")
    report.equal("the last commit", committed[-1]["offsets"][0]["offset"], options.records)


def as_records(lines):
    return [Record(line["partition"], line["offset"], line["key"], line["value"], (), 0)
            for line in lines]
