"""Workers read, write and commit in transactions while the broker is killed; two of them fight for one
transactional id. Each input has exactly one output.

A feeder keeps some records ahead of what the group has committed. The harness kills and restarts the
broker on the events printed here and says `finish` when it has killed often enough; the rest is
worked off then.
"""

import itertools
import threading
import time

from records import Planned, expected
from scenario import Failed, StandardInput, event, reader, wait_until
from transformed import (ABORTED, COMMITTED, UNKNOWN, Journal, attempt_of, exactly_once,
                         in_input_order, transformed, whole)

PARTITIONS = list(range(3))
# How many records are there that nobody has committed yet.
AHEAD = 600
FED_AT_ONCE = 60
# How many records are committed in a round at least.
ROUND_RECORDS = 300
# Of so many transactions of a worker one is aborted.
ABORT_EVERY = 7
# How long workers may take to commit anything: through a kill, and a member that is missed.
PATIENCE_SECONDS = 120
SECONDS = 60
LAST = b"last"


class Worker(threading.Thread):
    """An instance of an application. It starts again when it has been told that it was fenced, and when
    something fails because the broker is away."""

    def __init__(self, adapter, bootstrap, topics, group, name, transactional_id, rounds):
        super().__init__(daemon=True)
        self.adapter, self.bootstrap = adapter, bootstrap
        self.source, self.sink = topics
        self.group, self.label, self.transactional_id = group, name, transactional_id
        self.rounds, self.journal = rounds, rounds.journal
        self.numbers = itertools.count()
        self.restarts = 0
        self.ending = threading.Event()
        self.error = None
        self.start()

    def run(self):
        try:
            while not self.ending.is_set():
                self.live()
        except Exception as error:
            self.error = f"{self.label}: {type(error).__name__}: {error}"

    def live(self):
        transformer = None
        try:
            transformer = self.adapter.ClientTransformer(self.bootstrap, self.group,
                                                         self.transactional_id)
            transformer.subscribe(self.source)
            while not self.ending.is_set():
                self.transact(transformer)
        except Exception as error:
            if self.adapter.is_fenced(error):
                self.journal.note_fenced()
            elif self.adapter.is_passing(error):
                self.restarts += 1
            else:
                raise
        if transformer is not None:
            transformer.close()

    def transact(self, transformer):
        inputs = transformer.poll(0.2)
        if not inputs:
            return
        number = next(self.numbers)
        name = f"{self.label}-{number}"
        attempt = self.journal.begin(name, inputs)
        transformer.begin()
        for record in inputs:
            transformer.send(self.sink, transformed(record, name))
        self.rounds.in_transaction()
        committed = transformer.end(number % ABORT_EVERY != ABORT_EVERY // 2)
        attempt.outcome = COMMITTED if committed else ABORTED


class Feeder:
    """Writes the input, always some records ahead of what has been committed."""

    def __init__(self, adapter, bootstrap, topic):
        self.topic = topic
        self.planned = []
        self.offsets = {}
        self.producer = adapter.ClientProducer(bootstrap, "none", self.outcome, idempotent=True)
        self.first_timestamp = int(time.time() * 1000)

    def outcome(self, tag, offset, error):
        if error is not None:
            raise Failed(f"input {tag} was given up: {error}")
        self.offsets[tag] = offset

    def feed(self):
        for tag in range(len(self.planned), len(self.planned) + FED_AT_ONCE):
            planned = Planned(tag % len(PARTITIONS), b"key-%d" % (tag % 50), b"%d" % tag, (),
                              self.first_timestamp + tag)
            self.planned.append(planned)
            self.producer.send(self.topic, planned, tag)

    def inputs(self):
        """What is there, when all of it has been acknowledged."""
        wait_until(lambda: len(self.offsets) == len(self.planned), SECONDS,
                   "every input is acknowledged", lambda: self.producer.turn(0.05))
        return [expected(planned, self.offsets[tag]) for tag, planned in enumerate(self.planned)]


class Follower(threading.Thread):
    """Reads what is committed while it is written. What it is given stays."""

    def __init__(self, adapter, bootstrap, topic):
        super().__init__(daemon=True)
        self.adapter, self.bootstrap, self.topic = adapter, bootstrap, topic
        # By place: librdkafka may hand out records again behind a start of the broker.
        self.given = {}
        self.error = None
        self.start()

    def run(self):
        try:
            consumer = reader(self.adapter, self.bootstrap, self.topic, PARTITIONS, "read_committed")
            while sum(record.value == LAST for record in self.given.values()) < len(PARTITIONS):
                for record in self.patiently(consumer):
                    place = (record.partition, record.offset)
                    if self.given.setdefault(place, record) != record:
                        raise Failed(f"{place} was given as two different records")
            consumer.close()
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"

    def patiently(self, consumer):
        try:
            return consumer.poll(0.1)
        except Exception as error:
            if not self.adapter.is_passing(error):
                raise
            return []

    def differences(self, committed):
        """What it was given, and is not there now, or the other way round."""
        there = {(record.partition, record.offset): record for record in committed}
        given = {place: record for place, record in self.given.items() if record.value != LAST}
        if self.error is not None:
            return [self.error]
        return ([f"{record!r:.200} was given" for place, record in given.items()
                 if there.get(place) != record]
                + [f"{record!r:.200} was not" for place, record in there.items() if place not in given])


class Progress:
    """How far the group has committed. Whoever asks is told of a group that stands still."""

    def __init__(self, adapter, admin, group):
        self.adapter, self.admin, self.group = adapter, admin, group
        self.committed = 0
        self.since = time.monotonic()

    def look(self):
        try:
            committed = sum(self.admin.group_offsets(self.group).values())
        except Exception as error:
            if not self.adapter.is_passing(error):
                raise
            committed = self.committed
        if committed < self.committed:
            raise Failed(f"the group had committed {self.committed} records, and now {committed}")
        if committed > self.committed:
            self.committed, self.since = committed, time.monotonic()
        elif time.monotonic() > self.since + PATIENCE_SECONDS:
            raise Failed(f"{self.committed} records, and none in {PATIENCE_SECONDS} s")
        return self.committed


class Rounds:
    """A round is over when everything has happened again: so many records were committed, transactions
    aborted, and workers fenced. The harness hears of it while a transaction is open."""

    def __init__(self, progress, journal):
        self.progress, self.journal = progress, journal
        self.committed, self.aborted, self.fenced = self.happened()
        self.number = 0
        self.over = False
        self.lock = threading.Lock()

    def happened(self):
        return self.progress.committed, self.journal.count(ABORTED), self.journal.fenced

    def look(self):
        committed, aborted, fenced = self.happened()
        if (committed >= self.committed + ROUND_RECORDS and aborted > self.aborted
                and fenced > self.fenced):
            self.committed, self.aborted, self.fenced = committed, aborted, fenced
            self.over = True

    def in_transaction(self):
        """A worker has sent the records of a transaction, and has not ended it."""
        with self.lock:
            if self.over:
                self.over = False
                self.number += 1
                event("acknowledged", count=self.number)


def run(adapter, bootstrap, report, options):
    topics, group = (f"in-{options.seed}", f"out-{options.seed}"), f"workers-{options.seed}"
    admin = adapter.Admin(bootstrap)
    for topic in topics:
        admin.create_topic(topic, len(PARTITIONS))
    words, journal = StandardInput(), Journal()
    feeder = Feeder(adapter, bootstrap, topics[0])
    follower = Follower(adapter, bootstrap, topics[1])
    progress = Progress(adapter, admin, group)
    rounds = Rounds(progress, journal)
    workers = [Worker(adapter, bootstrap, topics, group, name, transactional_id, rounds)
               for name, transactional_id in (("one", "shared"), ("two", "shared"), ("three", "own"))]

    def worked_off():
        none_ended(workers)
        left = len(feeder.planned) - progress.look()
        rounds.look()
        if words.said("finish"):
            # The fight is over: one of the two is the last to start.
            workers[0].ending.set()
            return left == 0
        if left < AHEAD:
            feeder.feed()
        return False

    wait_until(worked_off, 600, "everything is committed", lambda: feeder.producer.turn(0.02))
    for worker in workers:
        worker.ending.set()
    wait_until(lambda: not any(worker.is_alive() for worker in workers), SECONDS, "the workers end")
    none_ended(workers)
    counts = {outcome: journal.count(outcome) for outcome in (COMMITTED, ABORTED, UNKNOWN)}
    counts["fenced"] = journal.fenced
    event("worked", records=len(feeder.planned), restarts=sum(worker.restarts for worker in workers),
          **counts)
    report.check("workers committed, aborted and were fenced",
                 [f"never {what}" for what in (COMMITTED, ABORTED, "fenced") if counts[what] == 0])
    compare(adapter, bootstrap, report, topics, group, admin, feeder.inputs(), journal,
            follower)


def none_ended(workers):
    for worker in workers:
        if worker.error is not None:
            raise Failed(f"a worker ended: {worker.error}")


def compare(adapter, bootstrap, report, topics, group, admin, inputs, journal, follower):
    counts = {partition: sum(record.partition == partition for record in inputs)
              for partition in PARTITIONS}
    report.equal("the group has committed everything", admin.group_offsets(group), counts)
    report.equal("no transaction is open", ends(adapter, bootstrap, topics[1], "read_committed"),
                 ends(adapter, bootstrap, topics[1], "read_uncommitted"))
    write_last(adapter, bootstrap, topics[1])
    committed = read_to_last(adapter, bootstrap, topics[1], "read_committed")
    uncommitted = read_to_last(adapter, bootstrap, topics[1], "read_uncommitted")
    report.check(f"{len(inputs)} records exactly once", exactly_once(inputs, committed))
    report.check("order", in_input_order(committed))
    report.check(f"{len(journal.attempts)} transactions as workers were told",
                 whole(journal.attempts, committed, uncommitted))
    wait_until(lambda: not follower.is_alive(), SECONDS, "who reads along has read everything")
    report.check("who read along was given this and nothing else", follower.differences(committed))
    report.check(f"{len(uncommitted) - len(committed)} aborted records are there for who asks for them",
                 [] if aborted(journal, uncommitted) else ["none of those that workers aborted"])


def aborted(journal, uncommitted):
    """Whether a reader of everything sees what a worker has aborted."""
    return any(journal.attempts[attempt_of(record)].outcome == ABORTED for record in uncommitted)


def ends(adapter, bootstrap, topic, isolation):
    consumer = reader(adapter, bootstrap, topic, PARTITIONS, isolation)
    found = consumer.ends(PARTITIONS)
    consumer.close()
    return found


def write_last(adapter, bootstrap, topic):
    """A committed record at the end of each partition, which tells a reader that it has seen all."""
    producer = adapter.ClientProducer(bootstrap, "none", lambda *_: None, transactional_id="last")
    producer.begin()
    for partition in PARTITIONS:
        producer.send(topic, Planned(partition, None, LAST, (), int(time.time() * 1000)), partition)
    producer.commit()
    producer.close()


def read_to_last(adapter, bootstrap, topic, isolation):
    consumer = reader(adapter, bootstrap, topic, PARTITIONS, isolation)
    records = []

    def complete():
        records.extend(consumer.poll(0.2))
        return sum(record.value == LAST for record in records) == len(PARTITIONS)

    wait_until(complete, SECONDS, f"{isolation} gives the last records", lambda: None)
    consumer.close()
    return [record for record in records if record.value != LAST]
