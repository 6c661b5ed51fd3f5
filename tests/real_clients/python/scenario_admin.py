"""Administration through a client: topics, their settings, groups and their offsets."""

import time

from records import Planned
from scenario import Refused, wait_until

SECONDS = 60


def run(adapter, bootstrap, report, options):
    admin = adapter.Admin(bootstrap)
    topic = f"admin-{options.seed}"
    admin.create_topic(topic, 3, {"retention.ms": "3600000"})
    report.equal("a topic that was created", wait_until(
        lambda: admin.topics().get(topic), SECONDS, "the topic is listed"), 3)
    refusals(adapter, admin, report, topic)
    if hasattr(admin, "topic_configs"):
        configs(admin, report, topic)
        groups(adapter, bootstrap, admin, report, topic, f"group-{options.seed}")
        trimmed(adapter, bootstrap, admin, report, topic)
    if hasattr(admin, "grow_topic"):
        grown(admin, report, topic)
    recreated(adapter, bootstrap, admin, report, topic)
    if hasattr(adapter, "start_transactional_producer"):
        report.equal("a transactional producer", refused(
            lambda: adapter.start_transactional_producer(bootstrap)), "not refused")
    admin.close()


def refused(function):
    try:
        function()
    except Refused as refusal:
        return str(refusal)
    return "not refused"


def refusals(adapter, admin, report, topic):
    report.equal("a topic that exists", refused(lambda: admin.create_topic(topic, 1)),
                 "TOPIC_ALREADY_EXISTS")
    report.equal("a wrong name", refused(lambda: admin.create_topic("no/good", 1)),
                 "TOPIC_EXCEPTION")
    report.equal("a wrong setting",
                 refused(lambda: admin.create_topic("never", 1, {"retention.ms": "soon"})),
                 "INVALID_CONFIG")


def configs(admin, report, topic):
    before = admin.topic_configs(topic)
    report.equal("a setting given at creation", before["retention.ms"], ("3600000", False))
    report.equal("a setting by default", before["max.message.bytes"], ("1048588", True))
    admin.set_topic_config(topic, "max.message.bytes", "2000")
    # Apache Kafka tells of it a moment later.
    wait_until(lambda: admin.topic_configs(topic)["max.message.bytes"] == ("2000", False), SECONDS,
               "a setting was changed")
    report.equal("the other one", admin.topic_configs(topic)["retention.ms"], ("3600000", False))
    report.equal("a wrong value", refused(
        lambda: admin.set_topic_config(topic, "max.message.bytes", "many")), "INVALID_CONFIG")


def produce(adapter, bootstrap, topic, values):
    """The offset or the error of each value; each has a producer of its own, because a refusal
    makes some idempotent producers begin anew."""
    outcomes = []
    for number, value in enumerate(values, start=1):
        producer = adapter.ClientProducer(
            bootstrap, "none", lambda _, offset, error: outcomes.append(error or offset),
            idempotent=adapter.IDEMPOTENT)
        producer.send(topic, Planned(0, None, value, (), int(time.time() * 1000)), number)
        wait_until(lambda: len(outcomes) == number, SECONDS, "an outcome",
                   lambda: producer.turn(0.02))
        producer.close()
    return outcomes


def groups(adapter, bootstrap, admin, report, topic, group):
    report.equal("a changed limit acts at once",
                 produce(adapter, bootstrap, topic, [b"small", bytes(3_000), b"small"]),
                 [0, "MSG_SIZE_TOO_LARGE", 1])
    consumer = adapter.ClientConsumer(bootstrap, group)
    consumer.subscribe(topic)
    seen = []
    wait_until(lambda: len(seen) == 2, SECONDS, "both records",
               lambda: seen.extend(consumer.poll(0.1)))
    consumer.commit({0: 2})
    report.check("the group is listed", [] if group in admin.groups() else [str(admin.groups())])
    report.equal("a group with a member", admin.group_state(group), ("stable", 1))
    report.equal("its offsets", admin.group_offsets(group).get(0), 2)
    consumer.close()
    wait_until(lambda: admin.group_state(group) == ("empty", 0), SECONDS, "the group is empty")
    report.equal("offsets of a group without members", admin.group_offsets(group).get(0), 2)
    admin.delete_group(group)
    wait_until(lambda: group not in admin.groups(), SECONDS, "the group is gone")
    report.check("a group that was deleted", [])


def trimmed(adapter, bootstrap, admin, report, topic):
    report.equal("the oldest record is deleted", admin.trim(topic, 0, 1), 1)
    report.equal("beyond the end", refused(lambda: admin.trim(topic, 0, 100)),
                 "OFFSET_OUT_OF_RANGE")
    consumer = adapter.ClientConsumer(bootstrap, None)
    # What is not there any more sends the reader to what is.
    consumer.assign(topic, {0: 0})
    offsets = []
    wait_until(lambda: offsets, SECONDS, "what is left", lambda: offsets.extend(
        record.offset for record in consumer.poll(0.1)))
    report.equal("what is left", offsets, [1])
    consumer.close()


def grown(admin, report, topic):
    admin.grow_topic(topic, 5)
    wait_until(lambda: admin.topics()[topic] == 5, SECONDS, "the topic has grown")
    report.equal("a topic cannot shrink", refused(lambda: admin.grow_topic(topic, 2)),
                 "INVALID_PARTITIONS")


def recreated(adapter, bootstrap, admin, report, topic):
    admin.delete_topic(topic)
    wait_until(lambda: topic not in admin.topics(), SECONDS, "the topic is gone")

    def created():
        try:
            admin.create_topic(topic, 1)
            return True
        except Refused:
            return False

    # Apache Kafka may take a moment to have forgotten it everywhere.
    wait_until(created, SECONDS, "the topic is there again")
    report.equal("a topic created again begins anew",
                 produce(adapter, bootstrap, topic, [b"first"]), [0])
