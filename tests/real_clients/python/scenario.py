"""What all scenarios share: the verdict, events for the harness, waiting on conditions."""

import json
import sys
import threading
import time


# Of each transformer: how many records it reads at a time, and after how long its group does without
# one of which nothing is heard: a kill can take away that it has left.
TRANSFORMER_RECORDS_MAX = 40
TRANSFORMER_SESSION_MS = 3_000


class Refused(Exception):
    """The broker answered a request with this error, by its Kafka name."""


class Failed(Exception):
    """A check found a difference; its text says which."""


class Report:
    """Collects what was checked and what differed; printed as the last line."""

    def __init__(self):
        self.checks = []
        self.differences = []

    def check(self, name, differences):
        """Notes the outcome of one check: a list of differences, empty when it holds."""
        self.checks.append(name)
        self.differences += [f"{name}: {difference}" for difference in differences]

    def equal(self, name, got, wanted):
        self.check(name, [] if got == wanted else [f"got {got!r:.500}, expected {wanted!r:.500}"])

    def print(self):
        verdict = "failed" if self.differences or not self.checks else "passed"
        print(json.dumps({"verdict": verdict, "checks": self.checks,
                          "difference_count": len(self.differences),
                          "differences": self.differences[:20]}), flush=True)
        return 0 if verdict == "passed" else 1


def event(name, **fields):
    """Tells the harness where we are: one JSON object per line on standard output."""
    print(json.dumps({"event": name} | fields), flush=True)


def wait_until(condition, seconds, what, turn=None):
    """Waits for a condition, at most `seconds`. `turn` is called in between, else we nap."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"after {seconds} s still not true: {what}")
        if turn is not None:
            turn()
        else:
            time.sleep(0.01)


class StandardInput(threading.Thread):
    """Reads the harness's words; `said(word)` tells whether one has come."""

    def __init__(self):
        super().__init__(daemon=True)
        self.words = set()
        self.start()

    def run(self):
        for line in sys.stdin:
            self.words.add(line.strip())

    def said(self, word):
        return word in self.words


def reader(adapter, bootstrap, topic, partitions, isolation):
    """A consumer without a group that reads a topic from its start."""
    consumer = adapter.ClientConsumer(bootstrap, None, isolation=isolation)
    consumer.assign(topic, {partition: 0 for partition in partitions})
    return consumer


def read_all(consumer, topic, counts, seconds=120):
    """Reads the partitions from their start until `counts[partition]` records were seen of each,
    in the order in which the client hands them out."""
    consumer.assign(topic, {partition: 0 for partition in counts})
    left = sum(counts.values())
    seen = {partition: 0 for partition in counts}
    records = []
    deadline = time.monotonic() + seconds
    while left > 0:
        for record in consumer.poll(0.2):
            records.append(record)
            seen[record.partition] += 1
            left -= 1
        if time.monotonic() > deadline:
            missing = {partition: counts[partition] - seen[partition] for partition in counts}
            raise Failed(f"reading: after {seconds} s still missing per partition: {missing}")
    return records
