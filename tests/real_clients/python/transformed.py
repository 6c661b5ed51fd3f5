"""What transactions of a group have made of its input, and the comparison of both.

A worker reads records, writes one for each of them, and notes what became of the transaction: its
attempt. An output names the offset of its input and its attempt. Nothing here knows a client.
"""

import threading
from collections import Counter
from dataclasses import dataclass

from records import Planned

COMMITTED, ABORTED, UNKNOWN = "committed", "aborted", "unknown"


@dataclass
class Attempt:
    """A transaction: the places of its inputs, and how it has ended as far as its worker knows."""

    sources: list
    outcome: str = UNKNOWN


class Journal:
    """The attempts of all workers by their names, and how often one was told that it was fenced."""

    def __init__(self):
        self.attempts = {}
        self.fenced = 0
        self.lock = threading.Lock()

    def begin(self, name, inputs):
        attempt = Attempt([(record.partition, record.offset) for record in inputs])
        with self.lock:
            self.attempts[name] = attempt
        return attempt

    def note_fenced(self):
        with self.lock:
            self.fenced += 1

    def count(self, outcome):
        with self.lock:
            return sum(attempt.outcome == outcome for attempt in self.attempts.values())


def transformed(record, attempt):
    """The output for an input: in the partition with the same number."""
    headers = (("source", b"%d" % record.offset), ("attempt", attempt.encode()))
    return Planned(record.partition, record.key, b"seen " + record.value, headers, record.timestamp)


def source(output):
    """The place of an output's input."""
    return output.partition, int(dict(output.headers)["source"])


def attempt_of(output):
    return dict(output.headers)["attempt"].decode()


def exactly_once(inputs, outputs):
    """Differences, as sentences, between the inputs and what there is for them."""
    differences = []
    found = Counter(source(output) for output in outputs)
    wanted = {(record.partition, record.offset): record for record in inputs}
    for place in sorted(wanted.keys() - found.keys()):
        differences.append(f"{place} was lost")
    for place in sorted(found.keys() - wanted.keys()):
        differences.append(f"{place} is no input, and has an output")
    for place, count in sorted(found.items()):
        if count > 1:
            by = [attempt_of(output) for output in outputs if source(output) == place]
            differences.append(f"{place} has {count} outputs, by {by}")
    for output in outputs:
        record = wanted.get(source(output))
        if record is not None:
            made = transformed(record, attempt_of(output))
            if (output.key, output.value) != (made.key, made.value):
                differences.append(f"the output for {source(output)} is {output!r:.200}")
    return differences


def in_input_order(outputs):
    """Differences in the order of the outputs: in each partition it is that of the inputs."""
    differences, last = [], {}
    for output in outputs:
        partition, offset = source(output)
        if offset <= last.get(partition, -1):
            differences.append(
                f"partition {partition}: the output for {offset} is behind that for {last[partition]}")
        last[partition] = offset
    return differences


def whole(attempts, committed, uncommitted):
    """Differences between what workers were told and what readers see: each transaction is there as a
    whole or not at all, and one that is there for readers of what is committed is there for others."""
    differences = []
    seen = sources_by_attempt(committed)
    for name, attempt in attempts.items():
        there = sorted(seen.pop(name, []))
        wanted = {
            COMMITTED: [sorted(attempt.sources)],
            ABORTED: [[]],
            UNKNOWN: [sorted(attempt.sources), []],
        }[attempt.outcome]
        if there not in wanted:
            differences.append(f"{name} was {attempt.outcome}: {len(there)} of its "
                               f"{len(attempt.sources)} records are there")
    differences += [f"{name} is nobody's attempt" for name in seen]
    places = {(output.partition, output.offset) for output in uncommitted}
    differences += [f"only a reader of what is committed was given {output!r:.200}"
                    for output in committed if (output.partition, output.offset) not in places]
    return differences


def sources_by_attempt(outputs):
    found = {}
    for output in outputs:
        found.setdefault(attempt_of(output), []).append(source(output))
    return found
