"""A client over its quotas: told so, held back, and losing nothing.

The harness has limited the bytes per second that the client id `slow` may produce and fetch, and takes
the limit of fetching away when it hears that it is felt.
"""

import time

from records import Planned
from scenario import event, wait_until

SECONDS = 60

# Bytes per second, as the harness has set them.
LIMIT = 10_000
RECORDS = 20
# All records take twelve seconds' worth, two more than can be had at once.
VALUE = b"v" * (LIMIT * 12 // RECORDS)


def run(adapter, bootstrap, report, options):
    topic = f"quotas-{options.seed}"
    adapter.Admin(bootstrap).create_topic(topic, 1)
    produced(adapter, bootstrap, report, topic)
    fetched(adapter, bootstrap, report, topic)


def produced(adapter, bootstrap, report, topic):
    offsets = []
    producer = adapter.ClientProducer(
        bootstrap, "none", lambda _, offset, error: offsets.append(error or offset),
        idempotent=adapter.IDEMPOTENT, client_id="slow")
    started = time.monotonic()
    for number in range(RECORDS):
        producer.send(topic, Planned(0, None, VALUE, (), int(time.time() * 1000)), number)
        # One record for each request.
        wait_until(lambda: len(offsets) == number + 1, SECONDS, "an outcome",
                   lambda: producer.turn(0.005))
    took = time.monotonic() - started
    report.equal("everything is produced", offsets, list(range(RECORDS)))
    report.check("the producer was held back", [] if took > 1 else [f"it took {took:.3f} s"])
    throttled = producer.throttled_ms()
    report.check("the producer knows", [] if throttled > 0 else [f"of {throttled} ms"])
    producer.close()


def fetched(adapter, bootstrap, report, topic):
    consumer = adapter.ClientConsumer(bootstrap, None, client_id="slow")
    consumer.assign(topic, {0: 0})
    values = []

    def read():
        values.extend(record.value for record in consumer.poll(0.1))

    wait_until(lambda: consumer.throttled_ms() > 0, SECONDS, "the consumer knows", read)
    report.check("a part is held back", [] if len(values) < RECORDS else ["all was fetched"])
    event("throttled")
    wait_until(lambda: len(values) >= RECORDS, SECONDS, "the rest", read)
    report.equal("everything is fetched", values, [VALUE] * RECORDS)
    consumer.close()
