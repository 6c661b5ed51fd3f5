"""The broker is killed while a producer writes and a group reads; both go on by themselves.

The harness kills and restarts the broker on the events printed here and says `finish` when it has
killed often enough. Every record and every committed offset is journalled: what was meant to be
written before it is sent, what was acknowledged after.
"""

import random
import threading
import time

from records import Planned, compare, expected, in_order
from scenario import Failed, StandardInput, event, read_all, wait_until

PARTITIONS = 4
IN_FLIGHT_MAX = 400
EVENT_EVERY = 100
SECONDS = 120
# A reader that commits after each so many records.
COMMIT_EVERY = 150


class Writer(threading.Thread):
    """Sends without end, at most so many records unanswered, and journals the answers."""

    def __init__(self, adapter, bootstrap, topic, seed, records_min):
        super().__init__(daemon=True)
        self.adapter, self.bootstrap, self.topic = adapter, bootstrap, topic
        self.rng = random.Random(seed)
        self.records_min = records_min
        self.intended = []
        self.acknowledged = {}
        self.lock = threading.Lock()
        self.finishing = threading.Event()
        self.error = None
        self.start()

    def outcome(self, tag, offset, error):
        with self.lock:
            if error is not None:
                self.error = self.error or f"record {tag} was given up: {error}"
                return
            if tag in self.acknowledged:
                self.error = self.error or f"record {tag} was acknowledged twice"
            self.acknowledged[tag] = offset
            count = len(self.acknowledged)
        if count % EVENT_EVERY == 0:
            event("acknowledged", count=count)

    def run(self):
        try:
            producer = self.adapter.ClientProducer(
                self.bootstrap, "lz4", self.outcome, idempotent=self.adapter.IDEMPOTENT)
            first_timestamp = int(time.time() * 1000)
            while self.error is None:
                unanswered = len(self.intended) - len(self.acknowledged)
                if self.finishing.is_set() and len(self.intended) >= self.records_min:
                    break
                if unanswered >= IN_FLIGHT_MAX:
                    producer.turn(0.005)
                    continue
                tag = len(self.intended)
                value = b"%d:" % tag + self.rng.randbytes(self.rng.randrange(0, 600))
                planned = Planned(tag % PARTITIONS, b"key-%d" % tag, value,
                                  (("n", b"%d" % tag),), first_timestamp + tag)
                self.intended.append(planned)
                producer.send(self.topic, planned, tag)
                # Slow enough that a kill finds the writer at work, whatever the machine.
                if tag % 20 == 0:
                    producer.turn(0.005)
            producer.flush(SECONDS)
            wait_until(lambda: self.error or len(self.acknowledged) == len(self.intended), SECONDS,
                       "every record has its answer", lambda: producer.turn(0.05))
            producer.close()
        except Exception as error:
            self.error = self.error or f"{type(error).__name__}: {error}"


class Reader(threading.Thread):
    """A group of one that reads along, commits, and checks that commits never go back."""

    def __init__(self, adapter, bootstrap, topic, group):
        super().__init__(daemon=True)
        self.adapter, self.bootstrap, self.topic, self.group = adapter, bootstrap, topic, group
        self.given = {}
        self.committed = {}
        self.commits = 0
        self.error = None
        self.wanted = None
        self.start()

    def run(self):
        try:
            consumer = self.adapter.ClientConsumer(self.bootstrap, self.group)
            consumer.subscribe(self.topic)
            following, uncommitted = {}, 0
            while self.wanted is None or len(self.given) < self.wanted:
                records = self.patiently(lambda: consumer.poll(0.1)) or []
                for record in records:
                    place = (record.partition, record.offset)
                    if self.given.setdefault(place, record) != record:
                        raise Failed(f"{place} was given as two different records")
                    # librdkafka may hand out records again when it has validated its position
                    # against a new leader epoch; what is committed must not follow it back.
                    following[record.partition] = max(record.offset + 1,
                                                      following.get(record.partition, 0))
                uncommitted += len(records)
                if uncommitted >= COMMIT_EVERY and self.commit(consumer, following):
                    uncommitted = 0
            wait_until(lambda: self.commit(consumer, following), SECONDS, "the last commit")
            consumer.close()
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"

    def commit(self, consumer, following):
        """Commits and asks back; false when the broker is away or the group is on the move."""
        owned = consumer.assignment()
        offsets = {partition: offset for partition, offset in following.items()
                   if partition in owned}
        if not offsets:
            return False
        if self.patiently(lambda: consumer.commit(offsets) or True) is None:
            return False
        for partition, offset in offsets.items():
            self.committed[partition] = offset
        self.commits += 1
        answer = self.patiently(lambda: consumer.committed(list(self.committed)))
        self.never_back(answer or {})
        return True

    def never_back(self, answer):
        for partition, (offset, _) in answer.items():
            if offset is None or offset < self.committed[partition]:
                raise Failed(f"partition {partition}: committed {self.committed[partition]}, "
                             f"the group now says {offset}")

    def patiently(self, function):
        """What `function` answers, or None when it failed as it may while a broker is away."""
        try:
            return function()
        except Exception as error:
            if not self.adapter.is_passing(error):
                raise
            return None


def run(adapter, bootstrap, report, options):
    topic, group = f"kills-{options.seed}", f"reader-{options.seed}"
    admin = adapter.Admin(bootstrap)
    admin.create_topic(topic, PARTITIONS)
    admin.close()
    words = StandardInput()
    reader = Reader(adapter, bootstrap, topic, group)
    writer = Writer(adapter, bootstrap, topic, options.seed, options.records)

    wait_until(lambda: words.said("finish") or writer.error or reader.error, 600,
               "the harness says finish")
    writer.finishing.set()
    wait_until(lambda: not writer.is_alive(), SECONDS, "the writer ends")
    report.check("the writer", [writer.error] if writer.error else [])
    # Without idempotence a retry may have written a record twice; its copy is not counted here.
    reader.wanted = len(writer.intended)
    wait_until(lambda: not reader.is_alive(), SECONDS, "the reader ends")
    report.check("the reader", [reader.error] if reader.error else [])
    if writer.error is None:
        final_read(adapter, bootstrap, report, topic, group, writer, reader)
    event("done", records=len(writer.intended), commits=reader.commits)


def final_read(adapter, bootstrap, report, topic, group, writer, reader):
    wanted = [expected(record, writer.acknowledged[tag])
              for tag, record in enumerate(writer.intended)]
    consumer = adapter.ClientConsumer(bootstrap, None)
    consumer.topic = topic
    partitions = list(range(PARTITIONS))
    consumer.assign(topic, {partition: 0 for partition in partitions})
    ends = consumer.ends(partitions)
    consumer.close()
    consumer = adapter.ClientConsumer(bootstrap, None)
    read = read_all(consumer, topic, ends, SECONDS)
    consumer.close()
    if adapter.IDEMPOTENT:
        report.check(f"{len(read)} records, each acknowledged once and read once",
                     compare(wanted, read))
    else:
        places = {(record.partition, record.offset) for record in wanted}
        report.check(f"{len(wanted)} records as acknowledged",
                     compare(wanted, [record for record in read
                                      if (record.partition, record.offset) in places]))
        written = {planned.value for planned in writer.intended}
        report.check("copies by retries are of what was written",
                     [f"{record!r:.200}" for record in read if record.value not in written])
    report.check("order", in_order(read))
    by_place = {(record.partition, record.offset): record for record in read}
    report.check(f"{len(reader.given)} records as the group was given them",
                 [f"{place} was given as {record!r:.200}" for place, record in reader.given.items()
                  if by_place.get(place) != record])
    committed_is_kept(adapter, bootstrap, report, topic, group, reader)


def committed_is_kept(adapter, bootstrap, report, topic, group, reader):
    consumer = adapter.ClientConsumer(bootstrap, group)
    consumer.assign(topic, {partition: 0 for partition in reader.committed})
    kept = {partition: offset
            for partition, (offset, _) in consumer.committed(list(reader.committed)).items()}
    consumer.close()
    report.equal(f"offsets after {reader.commits} commits", kept, reader.committed)
