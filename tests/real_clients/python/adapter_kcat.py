"""kcat, as Debian has it: a program with an old librdkafka, so its scenarios are made of processes.

It has no way to choose a timestamp and gives all records of one run the same headers.
"""

import json
import os
import random
import re
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, replace

from records import MAX_MESSAGE_BYTES, Record, compare, in_order, largest_value
from scenario import Failed, StandardInput, event, wait_until

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 3
SECONDS = 60
KEY_END, RECORD_END = b"\x1f", b"\x1e"
DELIVERED = re.compile(rb"Message delivered to partition (\d+) \(offset (\d+)\)")
ASSIGNED = re.compile(rb"rebalanced \(memberid [^)]*\): (assigned|revoked): ?(.*)")
VERSION = re.compile(rb"librdkafka [\d.]+")
FORMAT = "%p %o %T %K %S %h\n%k%s"
# Without it kcat gives up when the broker is away.
PATIENT = ["-E", "-X", "reconnect.backoff.ms=50", "-X", "reconnect.backoff.max.ms=250"]


@dataclass
class Run:
    """The records of one producing kcat: one partition, one set of headers."""

    partition: int
    headers: tuple
    # Whether empty keys and values are sent as null (-Z).
    null_for_empty: bool
    records: list


def kcat(bootstrap, *arguments):
    return ["kcat", "-b", bootstrap, *arguments]


def create_topic(bootstrap, topic):
    """Topics make themselves when they are asked for; the answer is the number of partitions."""
    def partitions():
        listed = subprocess.run(kcat(bootstrap, "-L", "-J", "-t", topic), capture_output=True,
                                check=False, timeout=SECONDS)
        topics = json.loads(listed.stdout)["topics"] if listed.returncode == 0 else []
        return len(topics[0]["partitions"]) if topics else 0

    subprocess.run(kcat(bootstrap, "-P", "-t", topic, "-p", "0"), input=b"first", check=True,
                   timeout=SECONDS)
    return wait_until(partitions, SECONDS, f"topic {topic} exists")


def produce_arguments(run, topic, codec):
    headers = [part for name, value in run.headers for part in ("-H", f"{name}={value.decode()}")]
    return ["-P", "-t", topic, "-p", str(run.partition), "-z", codec, "-K", "\\x1f", "-D", "\\x1e",
            "-vvv", "-X", "enable.idempotence=true", *(["-Z"] if run.null_for_empty else []),
            *headers]


def encode(run):
    lines = []
    for key, value in run.records:
        lines.append((b"" if key is None else key + KEY_END) + value + RECORD_END)
    return b"".join(lines)


def as_sent(run, key, value):
    """What kcat makes of a line: with -Z what is empty becomes null."""
    if run.null_for_empty:
        key, value = key or None, value or None
    return key, value


def read_back(bootstrap, topic, *arguments):
    got = subprocess.run(kcat(bootstrap, "-C", "-t", topic, "-e", "-q", "-f", FORMAT, *arguments),
                         capture_output=True, check=True, timeout=120)
    return list(parse(got.stdout))


def parse(output):
    """Records out of what kcat prints with `FORMAT`; a length of -1 means null."""
    position = 0
    while position < len(output):
        line_end = output.find(b"\n", position)
        if line_end < 0:
            return
        fields = output[position:line_end].split(b" ", 5)
        partition, offset, timestamp, key_bytes, value_bytes = (int(field) for field in fields[:5])
        key_start = line_end + 1
        value_start = key_start + max(key_bytes, 0)
        position = value_start + max(value_bytes, 0)
        if position > len(output):
            return
        headers = tuple(tuple(header.split("=", 1)) for header in fields[5].decode().split(",")
                        if header)
        yield Record(partition, offset, None if key_bytes < 0 else output[key_start:value_start],
                     None if value_bytes < 0 else output[value_start:position],
                     tuple((name, value.encode()) for name, value in headers), timestamp)


def with_times_checked(report, name, read, since):
    """kcat stamps records itself: only the range is known, so it is checked and then left out."""
    until = int(time.time() * 1000)
    report.check(f"{name}: timestamps", [f"{record!r:.200}" for record in read
                                         if not since <= record.timestamp <= until])
    return [replace(record, timestamp=0) for record in read]


def plan_runs(rng, partitions, records_per_run):
    alphabet = bytes(byte for byte in range(256) if byte not in KEY_END + RECORD_END)
    runs = []
    for partition in range(partitions):
        for null_for_empty in (False, True):
            records = []
            for index in range(records_per_run):
                size = rng.choice([0, 1, 127, 128, rng.randrange(300), rng.randrange(20_000)])
                value = bytes(rng.choices(alphabet, k=size))
                # A line must not be empty, so an empty value has a key.
                key = None if value and rng.randrange(3) == 0 else b"key-%d" % index
                if index % 10 == 7 and value:
                    key = b""
                records.append((key, value))
            headers = (("run", b"%d" % partition), ("codec", b"x")) if null_for_empty else ()
            runs.append(Run(partition, headers, null_for_empty, records))
    return runs


def version(environment):
    told = subprocess.run(["kcat", "-V"], env=environment, capture_output=True, check=True,
                          timeout=SECONDS)
    return VERSION.search(told.stdout).group().decode()


def codecs(bootstrap, report, options):
    # What is around a test may have another library of the same name.
    report.equal("kcat's own librdkafka", version(os.environ), version({"PATH": os.environ["PATH"]}))
    rng = random.Random(options.seed)
    since = int(time.time() * 1000)
    for codec in CODECS:
        topic = f"kcat-{codec}-{options.seed}"
        partitions = create_topic(bootstrap, topic)
        wanted = [Record(0, 0, None, b"first", (), 0)]
        runs = plan_runs(rng, partitions, 1_100 // (2 * partitions))
        for run in runs:
            wanted += produce_run(bootstrap, topic, codec, run)
        read = read_back(bootstrap, topic, "-o", "beginning")
        report.check(f"{codec}: order", in_order(sorted(read, key=lambda record: record.partition)))
        read = with_times_checked(report, codec, read, since)
        report.check(f"{codec}: {len(read)} records as acknowledged", compare(wanted, read))
        event("written", topic=topic, codec=codec, partitions=partitions)
    sizes_up_to_the_maximum(bootstrap, report, options)


def produce_run(bootstrap, topic, codec, run):
    sent = subprocess.run(kcat(bootstrap, *produce_arguments(run, topic, codec)),
                          input=encode(run), capture_output=True, check=False, timeout=120)
    places = [(int(partition), int(offset)) for partition, offset in DELIVERED.findall(sent.stderr)]
    if sent.returncode != 0 or len(places) != len(run.records):
        raise Failed(f"kcat delivered {len(places)} of {len(run.records)}: {sent.stderr[-300:]!r}")
    return [Record(partition, offset, *as_sent(run, key, value), run.headers, 0)
            for (partition, offset), (key, value) in zip(places, run.records, strict=True)]


def sizes_up_to_the_maximum(bootstrap, report, options):
    topic = f"kcat-sizes-{options.seed}"
    create_topic(bootstrap, topic)
    largest = largest_value()
    with tempfile.TemporaryDirectory() as directory:
        for name, size in (("fits", largest), ("refused", largest + 1)):
            path = f"{directory}/{name}"
            with open(path, "wb") as file:
                file.write(b"x" * size)
            sent = subprocess.run(
                kcat(bootstrap, "-P", "-t", topic, "-p", "0", "-vvv", "-X",
                     f"message.max.bytes={2 * MAX_MESSAGE_BYTES}", path),
                capture_output=True, check=False, timeout=120)
            outcome = ("delivered" if DELIVERED.search(sent.stderr) else
                       "refused" if b"Message size too large" in sent.stderr else sent.stderr[-300:])
            report.equal(f"a batch that {name}", outcome,
                         "delivered" if name == "fits" else "refused")
    read = [(record.offset, record.value) for record in read_back(bootstrap, topic, "-o", "beginning")
            if record.partition == 0]
    report.equal("records up to the maximum", [(offset, len(value)) for offset, value in read],
                 [(0, 5), (1, largest)])


class Process(threading.Thread):
    """A kcat that runs on: what it prints is gathered as it comes."""

    def __init__(self, arguments, stdin=None):
        super().__init__(daemon=True)
        self.process = subprocess.Popen(arguments, stdin=stdin, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=0)
        self.output, self.errors = bytearray(), bytearray()
        self.started_readers = [
            threading.Thread(target=self.gather, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.output), (self.process.stderr, self.errors))]
        for reader in self.started_readers:
            reader.start()

    def gather(self, stream, buffer):
        while piece := stream.read(65536):
            buffer.extend(piece)

    def records(self):
        return list(parse(bytes(self.output)))

    def owned(self, topic):
        """The partitions by the last rebalance it told of."""
        told = ASSIGNED.findall(bytes(self.errors))
        if not told or told[-1][0] == b"revoked":
            return set()
        return {int(number) for number in re.findall(rb"\[(\d+)\]", told[-1][1])}

    def end(self):
        self.process.terminate()
        self.process.wait(SECONDS)
        for reader in self.started_readers:
            reader.join(SECONDS)


def group_member(bootstrap, group, topic):
    return Process(kcat(bootstrap, "-u", "-f", FORMAT, *PATIENT, "-X", "auto.offset.reset=earliest",
                        "-X", "session.timeout.ms=10000", "-X", "heartbeat.interval.ms=500",
                        "-X", "fetch.wait.max.ms=100", "-G", group, topic))


def groups(bootstrap, report, options):
    topic, group = f"kcat-group-{options.seed}", f"kcat-group-{options.seed}"
    since = int(time.time() * 1000)
    partitions = create_topic(bootstrap, topic)
    everything = set(range(partitions))
    per_run = options.records // (2 * partitions)

    def write(name):
        written = []
        for partition in range(partitions):
            run = Run(partition, (), False,
                      [(b"%s-%d" % (name, tag), b"value-%d" % tag) for tag in range(per_run)])
            written += produce_run(bootstrap, topic, "none", run)
        return written

    wanted = [Record(0, 0, None, b"first", (), 0)] + write(b"early")
    one = group_member(bootstrap, group, topic)
    wait_until(lambda: one.owned(topic) == everything, SECONDS, "one member owns all")
    two = group_member(bootstrap, group, topic)
    wait_until(lambda: one.owned(topic) and two.owned(topic)
               and one.owned(topic) | two.owned(topic) == everything
               and not one.owned(topic) & two.owned(topic), SECONDS, "two members share")
    report.check("two members share the partitions", [])
    wanted += write(b"late")
    wait_until(two.records, SECONDS, "the second member reads")

    def given():
        return {(record.partition, record.offset): record
                for record in one.records() + two.records()}

    # A kcat that is told to end prints no more, but commits what it was handed meanwhile: so each ends
    # when there is nothing to read.
    wait_until(lambda: len(given()) >= len(wanted), SECONDS, "each record was given to a member")
    two.end()
    wait_until(lambda: one.owned(topic) == everything, SECONDS, "the one that stays owns all")
    wanted += write(b"alone")
    wait_until(lambda: len(given()) >= len(wanted), SECONDS, "the one that stays is given the rest")
    one.end()
    read = with_times_checked(report, "group", list(given().values()), since)
    report.check(f"{len(read)} records through a rebalance", compare(wanted, read))

    more = write(b"more")
    three = group_member(bootstrap, group, topic)
    wait_until(lambda: len(three.records()) >= len(more), SECONDS, "the records after the commit")
    three.end()
    read = with_times_checked(report, "resumed", three.records(), since)
    report.check(f"{len(read)} records after the committed offsets", compare(more, read))


def kills(bootstrap, report, options):
    """A kcat that writes and one that reads go on through the kill; each record is there once."""
    topic, group = f"kcat-kills-{options.seed}", f"kcat-kills-{options.seed}"
    words = StandardInput()
    since = int(time.time() * 1000)
    create_topic(bootstrap, topic)
    run = Run(0, (), False, [])
    writer = Process(kcat(bootstrap, *PATIENT, *produce_arguments(run, topic, "lz4"), "-X",
                          "queue.buffering.max.ms=5", "-X", "delivery.timeout.ms=240000"),
                     stdin=subprocess.PIPE)
    reader = group_member(bootstrap, group, topic)
    told = 0

    def delivered():
        return len(DELIVERED.findall(bytes(writer.errors)))

    while not (words.said("finish") and len(run.records) >= options.records):
        acknowledged = delivered()
        if acknowledged >= told + 100:
            told = acknowledged
            event("acknowledged", count=acknowledged)
        if writer.process.poll() is not None:
            raise Failed(f"kcat ended: {bytes(writer.errors)[-300:]!r}")
        # It looks after its answers only when it has read a record, so a trickle goes on.
        count = 1 if len(run.records) - acknowledged > 400 else 20
        more = [(b"key-%d" % tag, b"value-%d" % tag)
                for tag in range(len(run.records), len(run.records) + count)]
        writer.process.stdin.write(encode(Run(0, (), False, more)))
        run.records += more
        time.sleep(0.01)
    writer.process.stdin.close()
    writer.process.wait(SECONDS)
    for gatherer in writer.started_readers:
        gatherer.join(SECONDS)
    places = [(int(partition), int(offset))
              for partition, offset in DELIVERED.findall(bytes(writer.errors))]
    report.equal("deliveries", len(places), len(run.records))
    wanted = [Record(0, 0, None, b"first", (), 0)]
    wanted += [Record(partition, offset, key, value, (), 0)
               for (partition, offset), (key, value) in zip(places, run.records, strict=False)]
    read = with_times_checked(report, "kills", read_back(bootstrap, topic, "-o", "beginning"), since)
    report.check(f"{len(read)} records, each acknowledged once and read once",
                 compare(wanted, read))
    wait_until(lambda: len({record.offset for record in reader.records()
                            if record.partition == 0}) >= len(wanted), SECONDS,
               "the group is given all of them")
    reader.end()
    given = {(record.partition, record.offset): replace(record, timestamp=0)
             for record in reader.records()}
    report.check(f"{len(given)} records as the group was given them",
                 compare(wanted, list(given.values())))
