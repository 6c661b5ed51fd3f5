"""Transactions: what is committed is seen, what is open or aborted is not, offsets are part of them, and
an instance whose transactional id has been taken over is told so."""

import time

from records import Planned, compare, expected
from scenario import Failed, reader, wait_until
from scenario_groups import produce
from transformed import transformed

PARTITIONS = list(range(3))
RECORDS = 30
SECONDS = 60


class Writer:
    """A producer with a transactional id that waits until its records are acknowledged."""

    def __init__(self, adapter, bootstrap, topic, transactional_id):
        self.topic = topic
        self.outcomes = {}
        self.tags = 0
        self.client = adapter.ClientProducer(bootstrap, "none", self.outcome,
                                             transactional_id=transactional_id)

    def outcome(self, tag, offset, error):
        self.outcomes[tag] = (offset, error)

    def begin_and_send(self, what):
        """Leaves a transaction open. The answer is what it has written."""
        self.client.begin()
        sent = self.send(what)
        refused = {error for _, (_, error) in sent if error is not None}
        if refused:
            raise Failed(f"{what}: {refused}")
        return [expected(planned, offset) for planned, (offset, _) in sent]

    def send(self, what):
        """Records and their outcomes."""
        timestamp = int(time.time() * 1000)
        planned = {self.tags + number: Planned(number % len(PARTITIONS), b"key", b"%s %d" % (what, number),
                                               (), timestamp) for number in range(RECORDS)}
        self.tags += RECORDS
        for tag, record in planned.items():
            self.client.send(self.topic, record, tag)
        wait_until(lambda: all(tag in self.outcomes for tag in planned), SECONDS,
                   f"outcomes of {what}", lambda: self.client.turn(0.05))
        return [(record, self.outcomes[tag]) for tag, record in planned.items()]

    def write(self, what):
        written = self.begin_and_send(what)
        self.client.commit()
        return written


class Reader:
    """Reads along from the beginning."""

    def __init__(self, adapter, bootstrap, topic, isolation):
        self.consumer = reader(adapter, bootstrap, topic, PARTITIONS, isolation)
        self.isolation = isolation
        self.records = []

    def read(self):
        self.records.extend(self.consumer.poll(0.05))

    def read_until(self, count):
        wait_until(lambda: len(self.records) >= count, SECONDS,
                   f"{count} records for a reader that is {self.isolation}", self.read)


def run(adapter, bootstrap, report, options):
    admin = adapter.Admin(bootstrap)
    for name in ("visible", "source", "sink", "fenced"):
        admin.create_topic(f"{name}-{options.seed}", len(PARTITIONS))
    visibility(adapter, bootstrap, report, f"visible-{options.seed}")
    offsets(adapter, bootstrap, report, admin, [f"source-{options.seed}", f"sink-{options.seed}"])
    fencing(adapter, bootstrap, report, f"fenced-{options.seed}")
    admin.close()


def visibility(adapter, bootstrap, report, topic):
    one = Writer(adapter, bootstrap, topic, "one")
    two = Writer(adapter, bootstrap, topic, "two")
    everything = Reader(adapter, bootstrap, topic, "read_uncommitted")
    committed = Reader(adapter, bootstrap, topic, "read_committed")

    wanted = one.write(b"committed")
    committed.read_until(len(wanted))
    report.check("what is committed is seen", compare(wanted, committed.records))

    aborted = one.begin_and_send(b"aborted")
    one.client.abort()
    wanted += one.write(b"after what was aborted")
    committed.read_until(len(wanted))
    report.check("what is aborted is not seen", compare(wanted, committed.records))

    still_open = one.begin_and_send(b"open")
    behind = two.write(b"behind what is open")
    ends = {partition: min(record.offset for record in still_open if record.partition == partition)
            for partition in PARTITIONS}
    report.equal("what is committed ends where something is open",
                 committed.consumer.ends(PARTITIONS), ends)
    written = wanted + aborted + still_open + behind

    def read_both():
        everything.read()
        committed.read()

    wait_until(lambda: len(everything.records) >= len(written), SECONDS,
               "what is aborted and open, for a reader that asks for it", read_both)
    report.check("everything is seen by who asks for it", compare(written, everything.records))
    report.check("nothing that is open is seen, nor what is behind it",
                 compare(wanted, committed.records))
    one.client.commit()
    wanted += still_open + behind
    committed.read_until(len(wanted))
    report.check("it is seen when it is committed", compare(wanted, committed.records))
    for each in (one.client, two.client, everything.consumer, committed.consumer):
        each.close()


def offsets(adapter, bootstrap, report, admin, topics):
    source, sink = topics
    group = f"group-{source}"
    inputs = produce(adapter, bootstrap, source, RECORDS, b"input", PARTITIONS)
    counts = {partition: RECORDS // len(PARTITIONS) for partition in PARTITIONS}
    transformer = adapter.ClientTransformer(bootstrap, group, "transformer")
    transformer.subscribe(source)
    first = transact(transformer, sink, "first", False)
    report.equal("offsets of an aborted transaction", admin.group_offsets(group), {})
    read = []
    wait_until(lambda: len(read) >= len(inputs), SECONDS, "everything is read",
               lambda: read.extend(transact(transformer, sink, f"at {len(read)}", True)))
    report.check(f"{len(first)} records were read, and again after they were aborted",
                 compare(inputs, read))
    report.equal("offsets of committed transactions", admin.group_offsets(group), counts)
    transformer.close()


def transact(transformer, sink, name, commit):
    """What was read for a transaction, which ends as it is told to."""
    records = wait_until(lambda: transformer.poll(0.1), SECONDS, "records for a transaction")
    transformer.begin()
    for record in records:
        transformer.send(sink, transformed(record, name))
    if transformer.end(commit) != commit:
        raise Failed(f"the transaction {name} was to be {'committed' if commit else 'aborted'}")
    return records


def fencing(adapter, bootstrap, report, topic):
    first = Writer(adapter, bootstrap, topic, "fought-for")
    wanted = first.write(b"before")
    first.begin_and_send(b"open when another instance comes")
    second = Writer(adapter, bootstrap, topic, "fought-for")
    wanted += second.write(b"of the second instance")
    report.equal("the first instance is told when it commits",
                 fenced_by(adapter, first.client.commit), True)

    third = Writer(adapter, bootstrap, topic, "fought-for")

    def go_on():
        # A client may already know when it begins, or when its records are refused.
        second.client.begin()
        second.send(b"of an instance that does not know yet")
        second.client.commit()

    report.equal("the second instance is told when it goes on", fenced_by(adapter, go_on), True)
    wanted += third.write(b"of the third instance")
    committed = Reader(adapter, bootstrap, topic, "read_committed")
    committed.read_until(len(wanted))
    report.check("nothing of a fenced instance is seen", compare(wanted, committed.records))
    third.client.close()
    committed.consumer.close()


def fenced_by(adapter, call):
    """Whether a call tells that there is another instance: true, or what it says instead."""
    try:
        return f"it answered {call()!r}"
    except Exception as error:
        return adapter.is_fenced(error) or repr(error)
