"""confluent-kafka: the Python face of a current librdkafka."""

from confluent_kafka import (Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException,
                             Producer, TopicPartition)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource,
                                   NewPartitions, NewTopic)

from records import Limits, Record
from scenario import TRANSFORMER_RECORDS_MAX, TRANSFORMER_SESSION_MS, Refused

NAME = "confluent-kafka"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
LIMITS = Limits()
IDEMPOTENT = True
# Which ways of sharing partitions the client offers, and whether it has static members.
ASSIGNORS = ["range", "cooperative-sticky"]
STATIC_MEMBERS = True
COMMIT_METADATA = True

# What librdkafka reports while a broker is away and repairs by itself.
PASSING = {
    KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT,
    KafkaError._RESOLVE, KafkaError._WAIT_COORD, KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.REQUEST_TIMED_OUT,
}


# How long a call may take that ought to end at once.
SECONDS = 60


def common(bootstrap):
    return {
        "bootstrap.servers": bootstrap,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 250,
        "log_level": 2,
    }


# When librdkafka has lost all brokers it forgets them and begins anew with the bootstrap servers. What
# waits for a coordinator then, waits for one that it has forgotten: flushing a transactional producer,
# or asking for the offsets of a group, has no end. This one stays with the brokers that it knows.
STEADFAST = {"metadata.recovery.strategy": "none"}


class ThrottleTimes:
    """The longest time for which brokers have throttled a client, which tells of it by itself."""

    longest_ms = 0

    def note(self, throttled):
        self.longest_ms = max(self.longest_ms, throttled.throttle_time * 1000)


class Admin:
    def __init__(self, bootstrap):
        self.client = AdminClient(common(bootstrap) | STEADFAST)

    def create_topic(self, topic, partitions, configs=None):
        made = self.client.create_topics([NewTopic(topic, partitions, 1, config=configs or {})])
        try:
            made[topic].result(30)
        except KafkaException as error:
            raise Refused(error.args[0].name()) from error

    def delete_topic(self, topic):
        self.client.delete_topics([topic])[topic].result(30)

    def topics(self):
        return {name: len(topic.partitions)
                for name, topic in self.client.list_topics(timeout=30).topics.items()}

    def grow_topic(self, topic, partitions):
        grown = self.client.create_partitions([NewPartitions(topic, partitions)])
        try:
            grown[topic].result(30)
        except KafkaException as error:
            raise Refused(error.args[0].name()) from error

    def trim(self, topic, partition, offset):
        place = TopicPartition(topic, partition, offset)
        try:
            return self.client.delete_records([place])[place].result(30).low_watermark
        except KafkaException as error:
            raise Refused(error.args[0].name()) from error

    def topic_configs(self, topic):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        entries = self.client.describe_configs([resource])[resource].result(30)
        return {name: (entry.value, entry.is_default) for name, entry in entries.items()}

    def set_topic_config(self, topic, name, value):
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        try:
            self.client.incremental_alter_configs([resource])[resource].result(30)
        except KafkaException as error:
            raise Refused(error.args[0].name()) from error

    def groups(self):
        listed = self.client.list_consumer_groups(request_timeout=30).result(30)
        return {group.group_id for group in listed.valid}

    def group_state(self, group):
        described = self.client.describe_consumer_groups([group], request_timeout=30)[group]
        result = described.result(30)
        return result.state.name.lower().replace("_", ""), len(result.members)

    def group_offsets(self, group):
        asked = self.client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        return {place.partition: place.offset for place in asked[group].result(30).topic_partitions}

    def delete_group(self, group):
        self.client.delete_consumer_groups([group], request_timeout=30)[group].result(30)

    def close(self):
        pass


def start_transactional_producer(bootstrap):
    producer = Producer({**common(bootstrap), "transactional.id": "one"})
    try:
        producer.init_transactions(SECONDS)
    except KafkaException as error:
        if error.args[0].code() == KafkaError._TIMED_OUT:
            raise
        raise Refused(error.args[0].name()) from error


def served(call, *arguments):
    """Makes a call that serves callbacks. When a producer is fenced and its records are given up within
    one call, confluent-kafka loses the error on the way, which is a SystemError. The records and the
    transaction still tell it."""
    try:
        return call(*arguments)
    except SystemError:
        return None


class ClientProducer:
    """Sends planned records; `on_outcome(tag, offset, error)` is called once for each."""

    def __init__(self, bootstrap, codec, on_outcome, idempotent=True, request_bytes_max=4_000_000,
                 client_id="producer", transactional_id=None):
        self.on_outcome = on_outcome
        self.throttle_times = ThrottleTimes()
        settings = common(bootstrap) | {
            "client.id": client_id,
            "throttle_cb": self.throttle_times.note,
            "enable.idempotence": idempotent,
            "acks": "all",
            "compression.type": codec,
            "linger.ms": 5,
            "message.max.bytes": request_bytes_max,
            "delivery.timeout.ms": 240_000,
            "retry.backoff.ms": 50,
        }
        if transactional_id:
            settings |= STEADFAST | {"transactional.id": transactional_id}
            # No record may be under way for longer than its transaction, which has a minute.
            settings["delivery.timeout.ms"] = SECONDS * 1000
        self.client = Producer(settings)
        if transactional_id:
            self.client.init_transactions(SECONDS)

    def send(self, topic, planned, tag):
        def delivered(error, message):
            if error is None:
                self.on_outcome(tag, message.offset(), None)
            else:
                self.on_outcome(tag, None, error.name())

        while True:
            try:
                self.client.produce(topic, planned.value, planned.key, planned.partition, delivered,
                                    timestamp=planned.timestamp, headers=list(planned.headers))
                break
            except BufferError:
                self.client.poll(0.1)
            except KafkaException as error:
                if error.args[0].code() != KafkaError._FATAL:
                    raise
                # One that has been fenced takes no more records. What it is called when it ends its
                # transaction is what has happened.
                self.on_outcome(tag, None, error.args[0].name())
                return
        served(self.client.poll, 0)

    def begin(self):
        self.client.begin_transaction()

    def commit(self):
        self.client.commit_transaction(SECONDS)

    def abort(self):
        self.client.abort_transaction(SECONDS)

    def turn(self, seconds):
        served(self.client.poll, seconds)

    def throttled_ms(self):
        return self.throttle_times.longest_ms

    def flush(self, seconds):
        return self.client.flush(seconds) == 0

    def close(self):
        self.client.flush(10)


class ClientConsumer:
    def __init__(self, bootstrap, group, assignor="range", instance=None, client_id="consumer",
                 isolation=None, **more):
        self.throttle_times = ThrottleTimes()
        settings = common(bootstrap) | {
            "client.id": client_id,
            "throttle_cb": self.throttle_times.note,
            "group.id": group or "reader-without-group",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 500,
            "fetch.wait.max.ms": 100,
            "partition.assignment.strategy": assignor,
            "topic.metadata.refresh.interval.ms": 2_000,
        }
        if instance:
            settings["group.instance.id"] = instance
        if isolation:
            settings["isolation.level"] = isolation
        self.client = Consumer(settings | more)
        self.topic = None

    def subscribe(self, topic):
        self.topic = topic
        self.client.subscribe([topic])

    def assign(self, topic, offsets):
        self.topic = topic
        self.client.assign([TopicPartition(topic, partition, offset)
                            for partition, offset in offsets.items()])

    def poll(self, seconds, records_max=500):
        records = []
        for message in self.client.consume(records_max, seconds):
            error = message.error()
            if error is not None:
                if error.code() not in PASSING:
                    raise KafkaException(error)
                continue
            records.append(Record(message.partition(), message.offset(), message.key(),
                                  message.value(), tuple(message.headers() or ()),
                                  message.timestamp()[1]))
        return records

    def throttled_ms(self):
        return self.throttle_times.longest_ms

    def assignment(self):
        return {place.partition for place in self.client.assignment()}

    def commit(self, offsets, metadata=""):
        self.client.commit(offsets=[TopicPartition(self.topic, partition, offset, metadata)
                                    for partition, offset in offsets.items()], asynchronous=False)

    def committed(self, partitions):
        answer = self.client.committed([TopicPartition(self.topic, partition)
                                        for partition in partitions], 30)
        for place in answer:
            if place.error is not None:
                raise KafkaException(place.error)
        return {place.partition: (place.offset if place.offset >= 0 else None, place.metadata or "")
                for place in answer}

    def ends(self, partitions):
        return {partition: self.client.get_watermark_offsets(
            TopicPartition(self.topic, partition), 30)[1] for partition in partitions}

    def offsets_for_time(self, partitions, timestamp):
        answer = self.client.offsets_for_times(
            [TopicPartition(self.topic, partition, timestamp) for partition in partitions], 30)
        return {place.partition: place.offset if place.offset >= 0 else None for place in answer}

    def close(self):
        self.client.close()


class ClientTransformer:
    """Reads as a member of a group, and writes in transactions, of which the offsets of what it has
    read are part."""

    def __init__(self, bootstrap, group, transactional_id):
        self.producer = ClientProducer(bootstrap, "lz4", lambda *_: None,
                                       transactional_id=transactional_id)
        self.consumer = self.new_consumer(bootstrap, group, STEADFAST)
        self.read = []
        # The offset behind what was read, of the partitions that it has been given.
        self.positions = {}

    def new_consumer(self, bootstrap, group, more):
        more = more | {"session.timeout.ms": TRANSFORMER_SESSION_MS}
        return ClientConsumer(bootstrap, group, isolation="read_committed", **more)

    def subscribe(self, topic):
        self.consumer.topic = topic
        # With these, partitions are given up within `poll` only: never while their records are worked
        # on, to be committed as a member that has lost them since.
        self.consumer.client.subscribe([topic], on_assign=self.forget, on_revoke=lambda *_: None)

    def forget(self, _, places):
        """A partition that is given to it begins where the group has committed."""
        for place in places:
            self.positions.pop(place.partition, None)

    def poll(self, seconds):
        """Without what librdkafka hands out again when it has validated its position behind a start of the
        broker: it goes on where it was when it asked, and a question that a kill has met is asked again as
        it was."""
        records = self.consumer.poll(seconds, TRANSFORMER_RECORDS_MAX)
        self.read = [record for record in records
                     if record.offset >= self.positions.get(record.partition, 0)]
        self.positions |= {record.partition: record.offset + 1 for record in self.read}
        return self.read

    def begin(self):
        self.producer.begin()

    def send(self, topic, planned):
        self.producer.send(topic, planned, None)

    def end(self, commit):
        """Whether it was committed. If it was aborted, what was read before is read again."""
        client = self.producer.client
        try:
            served(client.flush, SECONDS)
            client.send_offsets_to_transaction(
                self.places({record.partition: record.offset + 1 for record in self.read}),
                self.consumer.client.consumer_group_metadata(), SECONDS)
            if commit:
                self.producer.commit()
                return True
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                raise
        self.producer.abort()
        self.rewind()
        return False

    def rewind(self):
        owned = self.consumer.assignment()
        first = {record.partition: record.offset for record in reversed(self.read)}
        for place in self.places(first):
            self.positions.pop(place.partition, None)
            if place.partition in owned:
                self.consumer.client.seek(place)

    def places(self, offsets):
        return [TopicPartition(self.consumer.topic, partition, offset)
                for partition, offset in offsets.items()]

    def close(self):
        self.consumer.close()


def is_fenced(error):
    """Whether another instance has taken the transactional id over."""
    return isinstance(error, KafkaException) and error.args[0].code() == KafkaError._FENCED


def is_passing(error):
    """Whether a commit or a look-up that failed so is simply asked again."""
    return isinstance(error, KafkaException) and (
        error.args[0].code() in PASSING or error.args[0].retriable()
        or error.args[0].code() in (KafkaError.REBALANCE_IN_PROGRESS,
                                    KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID,
                                    KafkaError._NO_OFFSET, KafkaError._STATE))
