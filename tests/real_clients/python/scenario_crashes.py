"""A consumer crashes in its handler, is repaired, starts again, and goes on with the record that it
had not finished."""

import time

from records import Planned, compare, expected
from scenario import Failed
from scenario_codecs import produce

PARTITIONS = 3
RECORDS = 300
# The one that the handler cannot handle yet.
FATAL = 151
SECONDS = 60


def run(adapter, bootstrap, report, options):
    topic, group = f"crashes-{options.seed}", f"crashing-{options.seed}"
    admin = adapter.Admin(bootstrap)
    admin.create_topic(topic, PARTITIONS)
    admin.close()
    first_timestamp = int(time.time() * 1000) - 60_000
    planned = [Planned(tag % PARTITIONS, b"key-%d" % (tag % 7), b"%d" % (tag - FATAL),
                       (("tag", b"%d" % tag),), first_timestamp + tag) for tag in range(RECORDS)]
    offsets = produce(adapter, bootstrap, topic, "none", planned)
    wanted = [expected(record, offsets[tag]) for tag, record in enumerate(planned)]

    handled = []
    crashing = adapter.new_program()
    consumer = crashing.consumer(bootstrap, group)
    consumer.subscribe(topic)
    try:
        handle(consumer, lambda record: 1 / int(record.value), handled, RECORDS)
    except ZeroDivisionError:
        # What a crash leaves to the broker: connections that are gone.
        crashing.process.kill()
    report.check(f"the handler crashed after {len(handled)} records",
                 [] if len(handled) < RECORDS else ["it did not"])

    before = len(handled)
    consumer = adapter.new_program().consumer(bootstrap, group)
    consumer.subscribe(topic)
    handle(consumer, lambda record: int(record.value), handled, RECORDS)
    consumer.close()
    again = [record for record in handled[before:] if record.partition == FATAL % PARTITIONS]
    report.equal("the record that was not finished comes first", again[:1], [wanted[FATAL]])
    report.equal("what its timestamp is of", consumer.timestamp_types, {"CreateTime"})
    report.check(f"{len(handled)} records, each handled once", compare(wanted, handled))


def handle(consumer, handler, handled, count):
    """Commits each record after it was handled."""
    deadline = time.monotonic() + SECONDS
    while len(handled) < count:
        for record in consumer.poll(0.1):
            handler(record)
            consumer.commit({record.partition: record.offset + 1})
            handled.append(record)
        if time.monotonic() > deadline:
            raise Failed(f"after {SECONDS} s {len(handled)} of {count} records were handled")
