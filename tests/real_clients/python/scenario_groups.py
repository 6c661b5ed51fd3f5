"""Consumer groups: members come and go, each record is handed out, a commit is where the next one
goes on."""

import queue
import threading
import time

from records import Planned, compare, expected
from scenario import Failed, event, wait_until

PARTITIONS = 4
EVERY_PARTITION = set(range(PARTITIONS))
SECONDS = 60


class Member(threading.Thread):
    """One consumer of a group, polling in a thread of its own as an application would."""

    def __init__(self, adapter, bootstrap, group, topic, settings):
        super().__init__(daemon=True)
        self.make = lambda: adapter.ClientConsumer(bootstrap, group, **settings)
        self.topic = topic
        self.records = []
        self.owned = set()
        self.calls = queue.Queue()
        self.error = None
        self.paused = threading.Event()
        self.start()

    def run(self):
        try:
            consumer = self.make()
            consumer.subscribe(self.topic)
            while True:
                try:
                    function, answer = self.calls.get_nowait()
                except queue.Empty:
                    self.records += consumer.poll(0.1)
                    self.owned = consumer.assignment()
                    continue
                if function is None:
                    consumer.close()
                    self.owned = set()
                    answer.put((True, None))
                    return
                try:
                    answer.put((True, function(consumer)))
                except Exception as error:  # handed to the caller
                    answer.put((False, error))
        except Exception as error:
            self.error = error

    def call(self, function):
        """Runs `function(consumer)` between two polls; None closes the consumer."""
        answer = queue.Queue()
        self.calls.put((function, answer))
        done, value = answer.get(timeout=SECONDS)
        if not done:
            raise value
        return value

    def leave(self):
        self.call(None)
        self.join(SECONDS)


def run(adapter, bootstrap, report, options):
    admin = adapter.Admin(bootstrap)
    for assignor in adapter.ASSIGNORS:
        topic = f"group-{assignor}-{options.seed}"
        admin.create_topic(topic, PARTITIONS)
        wanted = rebalance(adapter, bootstrap, report, topic, assignor, options.records // 2)
        commit_and_resume(adapter, bootstrap, report, topic, assignor, wanted)
    if adapter.STATIC_MEMBERS:
        static_member(adapter, bootstrap, report, topic)
    admin.close()


def produce(adapter, bootstrap, topic, count, name, partitions=tuple(EVERY_PARTITION)):
    timestamp = int(time.time() * 1000)
    outcomes = {}
    planned = [Planned(partitions[tag % len(partitions)], b"%s-%d" % (name, tag), b"v%d" % tag, (),
                       timestamp + tag) for tag in range(count)]
    producer = adapter.ClientProducer(
        bootstrap, "none", lambda tag, offset, error: outcomes.update({tag: (offset, error)}),
        idempotent=adapter.IDEMPOTENT)
    for tag, record in enumerate(planned):
        producer.send(topic, record, tag)
    producer.flush(SECONDS)
    wait_until(lambda: len(outcomes) == count, SECONDS, "an outcome for each record",
               lambda: producer.turn(0.05))
    producer.close()
    refused = [outcome for outcome in outcomes.values() if outcome[1] is not None]
    if refused:
        raise Failed(f"{len(refused)} records were refused: {refused[0]}")
    return [expected(record, outcomes[tag][0]) for tag, record in enumerate(planned)]


def none_ended(members):
    for member in members:
        if member.error is not None:
            raise Failed(f"a member ended: {member.error!r}")


def wait_for_owners(members, wanted):
    """Waits until each member owns as many partitions as `wanted` says, all of them together."""
    def settled():
        none_ended(members)
        owned = [member.owned for member in members]
        return ([len(each) for each in owned] == wanted
                and set().union(*owned) == EVERY_PARTITION)

    wait_until(settled, SECONDS, f"partitions shared as {wanted}")


def rebalance(adapter, bootstrap, report, topic, assignor, half):
    """Two join, one leaves; each record is handed out, and nothing that was not written.

    Half of the records are there before the second member comes, half are written while both
    read. The answer is what was written.
    """
    settings = {"assignor": assignor}
    wanted = produce(adapter, bootstrap, topic, half, b"early")
    group = f"rebalance-{topic}"
    first = Member(adapter, bootstrap, group, topic, settings)
    wait_for_owners([first], [PARTITIONS])
    event("joined", group=group, members=1)
    second = Member(adapter, bootstrap, group, topic, settings)
    wait_for_owners([first, second], [PARTITIONS // 2, PARTITIONS // 2])
    report.check(f"{assignor}: two members share the partitions",
                 ["a partition has two owners"] if first.owned & second.owned else [])
    event("joined", group=group, members=2)
    wanted += produce(adapter, bootstrap, topic, half, b"late")
    wait_until(lambda: second.records or none_ended([second]), SECONDS, "the second member reads")
    second.leave()
    wait_for_owners([first], [PARTITIONS])
    event("left", group=group, members=1)

    def complete():
        places = {(record.partition, record.offset) for record in first.records + second.records}
        return len(places) >= len(wanted)

    wait_until(complete, SECONDS, "each record was handed to a member")
    # A partition that moves without a commit is read again from the committed offset.
    once = {(record.partition, record.offset): record for record in first.records}
    changed = []
    for record in second.records:
        if once.setdefault((record.partition, record.offset), record) != record:
            changed.append(f"the members were given different records: {record!r:.200}")
    report.check(f"{assignor}: members agree on what they were given", changed)
    report.check(f"{assignor}: {len(once)} records through a rebalance",
                 compare(wanted, list(once.values())))
    first.leave()
    return wanted


def commit_and_resume(adapter, bootstrap, report, topic, assignor, wanted):
    """A commit survives the member; the next one begins there and nowhere else."""
    settings = {"assignor": assignor}
    group = f"resume-{topic}"
    per_partition = len(wanted) // PARTITIONS
    places = {partition: per_partition // 2 + partition for partition in EVERY_PARTITION}
    first = Member(adapter, bootstrap, group, topic, settings)
    wait_for_owners([first], [PARTITIONS])
    before = first.call(lambda consumer: consumer.committed(EVERY_PARTITION))
    report.equal(f"{assignor}: nothing is committed in a new group", before,
                 {partition: (None, "") for partition in EVERY_PARTITION})
    first.call(lambda consumer: consumer.commit(places, "noted"))
    noted = "noted" if adapter.COMMIT_METADATA else ""
    committed = {partition: (offset, noted) for partition, offset in places.items()}
    report.equal(f"{assignor}: committed offsets",
                 first.call(lambda consumer: consumer.committed(EVERY_PARTITION)), committed)
    first.leave()

    second = Member(adapter, bootstrap, group, topic, settings)
    left = [record for record in wanted if record.offset >= places[record.partition]]
    wait_until(lambda: len(second.records) >= len(left) or none_ended([second]), SECONDS,
               "the rest of the records")
    report.check(f"{assignor}: {len(second.records)} records after the committed offsets",
                 compare(left, second.records))
    # Commits may also go back.
    back = {partition: offset - 7 for partition, offset in places.items()}
    second.call(lambda consumer: consumer.commit(back, "noted"))
    report.equal(f"{assignor}: offsets committed backwards",
                 second.call(lambda consumer: consumer.committed(EVERY_PARTITION)),
                 {partition: (offset, noted) for partition, offset in back.items()})
    second.leave()


def static_member(adapter, bootstrap, report, topic):
    """A static member that goes and comes back keeps its partitions; nobody else is disturbed."""
    group = f"static-{topic}"
    one = Member(adapter, bootstrap, group, topic, {"instance": "one"})
    two = Member(adapter, bootstrap, group, topic, {"instance": "two"})
    wait_for_owners([one, two], [PARTITIONS // 2, PARTITIONS // 2])
    before = two.owned
    two.leave()
    again = Member(adapter, bootstrap, group, topic, {"instance": "two"})
    wait_until(lambda: again.owned or none_ended([one, again]), SECONDS, "the static member is back")
    report.equal("a static member gets back what it had", again.owned, before)
    report.equal("the other one kept its partitions", one.owned, EVERY_PARTITION - before)
    again.leave()
    one.leave()
