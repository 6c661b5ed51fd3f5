"""Every codec, every shape of record, every one compared after it was read back."""

import time

from records import (MAX_MESSAGE_BYTES, Planned, compare, expected, in_order, largest_value, plan)
from scenario import Failed, event, read_all, wait_until

PARTITIONS = 3
RECORDS_PER_CODEC = 1_100


def run(adapter, bootstrap, report, options):
    first_timestamp = int(time.time() * 1000) - 3_600_000
    admin = adapter.Admin(bootstrap)
    for number, codec in enumerate(adapter.CODECS):
        topic = f"codec-{codec}-{options.seed}"
        admin.create_topic(topic, PARTITIONS)
        planned = plan(RECORDS_PER_CODEC, PARTITIONS, options.seed + number, first_timestamp,
                       adapter.LIMITS)
        acknowledged = produce(adapter, bootstrap, topic, codec, planned)
        read_and_compare(adapter, bootstrap, report, topic, codec, planned, acknowledged)
        event("written", topic=topic, codec=codec, partitions=PARTITIONS)
    sizes_up_to_the_maximum(adapter, bootstrap, admin, report, options)
    admin.close()


def produce(adapter, bootstrap, topic, codec, planned):
    """Sends all; the answer is the offset of each by its position in the plan."""
    offsets, errors = {}, []

    def outcome(tag, offset, error):
        if error is None:
            offsets[tag] = offset
        else:
            errors.append(f"record {tag}: {error}")

    producer = adapter.ClientProducer(bootstrap, codec, outcome, idempotent=adapter.IDEMPOTENT)
    for tag, record in enumerate(planned):
        producer.send(topic, record, tag)
    producer.flush(120)
    wait_until(lambda: len(offsets) + len(errors) == len(planned), 120,
               f"{codec}: an outcome for each record", lambda: producer.turn(0.05))
    producer.close()
    if errors:
        raise Failed(f"{codec}: {len(errors)} records were refused, first {errors[0]}")
    return offsets


def read_and_compare(adapter, bootstrap, report, topic, codec, planned, offsets):
    wanted = [expected(record, offsets[tag]) for tag, record in enumerate(planned)]
    counts = {partition: 0 for partition in range(PARTITIONS)}
    for record in planned:
        counts[record.partition] += 1
    consumer = adapter.ClientConsumer(bootstrap, None)
    read = read_all(consumer, topic, counts)
    report.check(f"{codec}: {len(read)} records as acknowledged", compare(wanted, read))
    report.check(f"{codec}: order", in_order(read))
    report.equal(f"{codec}: end offsets", consumer.ends(list(counts)), counts)
    first = planned[0].timestamp
    middle = first + len(planned) // 2
    wanted_offsets = {
        partition: min(offsets[tag] for tag, record in enumerate(planned)
                       if record.partition == partition and record.timestamp >= middle)
        for partition in counts}
    report.equal(f"{codec}: offsets by timestamp",
                 consumer.offsets_for_time(list(counts), middle), wanted_offsets)
    consumer.close()


def sizes_up_to_the_maximum(adapter, bootstrap, admin, report, options):
    """A batch of exactly max.message.bytes is taken, one byte more is refused."""
    topic = f"sizes-{options.seed}"
    admin.create_topic(topic, 1)
    timestamp = int(time.time() * 1000)
    largest = largest_value()
    values = {"fits": bytes(largest), "refused": bytes(largest + 1), "after": b"after"}
    outcomes = {}
    for name, value in values.items():
        # A producer of its own each, so that a refusal cannot fall on a neighbour.
        producer = adapter.ClientProducer(
            bootstrap, "none", lambda tag, offset, error: outcomes.update({tag: (offset, error)}),
            idempotent=adapter.IDEMPOTENT, request_bytes_max=2 * MAX_MESSAGE_BYTES)
        producer.send(topic, Planned(0, None, value, (), timestamp), name)
        wait_until(lambda: name in outcomes, 60, f"an outcome for the record that {name}",
                   lambda: producer.turn(0.05))
        producer.close()
    report.equal("a batch of max.message.bytes", outcomes["fits"], (0, None))
    report.equal("a batch one byte above", outcomes["refused"], (None, "MSG_SIZE_TOO_LARGE"))
    report.equal("the record after the refused one", outcomes["after"], (1, None))
    consumer = adapter.ClientConsumer(bootstrap, None)
    read = read_all(consumer, topic, {0: 2})
    wanted = [expected(Planned(0, None, values[name], (), timestamp), offset)
              for offset, name in enumerate(["fits", "after"])]
    report.check("records up to the maximum", compare(wanted, read))
    consumer.close()
