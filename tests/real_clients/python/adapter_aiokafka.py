"""aiokafka: the asyncio client, driven from a loop in a thread of its own."""

import asyncio
import threading

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from records import Limits, Record
from scenario import Refused

NAME = "aiokafka"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
LIMITS = Limits(key_and_value_null=False)
IDEMPOTENT = True
ASSIGNORS = ["range"]
STATIC_MEMBERS = True
COMMIT_METADATA = False  # It can send metadata, and has no way to read it.


class Loop:
    """An event loop in a thread; `run` waits for a coroutine from any other thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, coroutine, seconds=300):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)


LOOP = Loop()


class Admin:
    def __init__(self, bootstrap):
        async def make():
            client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
            await client.start()
            return client

        self.client = LOOP.run(make())

    def create_topic(self, topic, partitions, configs=None):
        made = LOOP.run(self.client.create_topics(
            [NewTopic(topic, partitions, 1, topic_configs=configs or {})]))
        for name, code, *_ in made.topic_errors:
            if code != 0:
                raise Refused(kafka_name(errors.for_code(code)()))

    def delete_topic(self, topic):
        LOOP.run(self.client.delete_topics([topic]))

    def topics(self):
        return {entry["topic"]: len(entry["partitions"])
                for entry in LOOP.run(self.client.describe_topics())}

    def close(self):
        LOOP.run(self.client.close())


def start_transactional_producer(bootstrap):
    async def start():
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="one")
        try:
            await producer.start()
        finally:
            await producer.stop()

    try:
        LOOP.run(start(), 60)
    except errors.KafkaError as error:
        raise Refused(kafka_name(error)) from error


class ClientProducer:
    def __init__(self, bootstrap, codec, on_outcome, idempotent=True, request_bytes_max=4_000_000):
        self.on_outcome = on_outcome

        async def make():
            client = AIOKafkaProducer(
                bootstrap_servers=bootstrap, enable_idempotence=idempotent, acks="all",
                compression_type=None if codec == "none" else codec, linger_ms=5,
                max_request_size=request_bytes_max, retry_backoff_ms=50,
                # Also how long a record may wait for its broker to come back.
                request_timeout_ms=120_000)
            await client.start()
            return client

        self.client = LOOP.run(make())

    def send(self, topic, planned, tag):
        def done(future):
            error = future.exception()
            if error is None:
                self.on_outcome(tag, future.result().offset, None)
            else:
                self.on_outcome(tag, None, kafka_name(error))

        async def queue():
            future = await self.client.send(
                topic, planned.value, planned.key, planned.partition, planned.timestamp,
                list(planned.headers))
            future.add_done_callback(done)

        LOOP.run(queue())

    def turn(self, seconds):
        LOOP.run(asyncio.sleep(seconds))

    def flush(self, seconds):
        try:
            LOOP.run(self.client.flush(), seconds)
            return True
        except TimeoutError:
            return False

    def close(self):
        LOOP.run(self.client.stop())


class ClientConsumer:
    def __init__(self, bootstrap, group, assignor="range", instance=None):
        from aiokafka.coordinator.assignors.range import RangePartitionAssignor

        async def make():
            return AIOKafkaConsumer(
                bootstrap_servers=bootstrap, group_id=group, group_instance_id=instance,
                enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=100,
                session_timeout_ms=10_000, heartbeat_interval_ms=500, retry_backoff_ms=50,
                metadata_max_age_ms=2_000,
                partition_assignment_strategy=(RangePartitionAssignor,))

        self.client = LOOP.run(make())
        self.topic = None

    def subscribe(self, topic):
        async def start():
            self.client.subscribe([topic])
            await self.client.start()

        self.topic = topic
        LOOP.run(start())

    def assign(self, topic, offsets):
        async def start():
            self.client.assign(self.places(offsets))
            await self.client.start()
            for partition, offset in offsets.items():
                self.client.seek(TopicPartition(topic, partition), offset)

        self.topic = topic
        LOOP.run(start())

    def poll(self, seconds):
        batches = LOOP.run(self.client.getmany(timeout_ms=int(seconds * 1000), max_records=500))
        return [Record(record.partition, record.offset, record.key, record.value,
                       tuple(record.headers), record.timestamp)
                for records in batches.values() for record in records]

    def assignment(self):
        return {place.partition for place in self.client.assignment()}

    def commit(self, offsets, metadata=""):
        LOOP.run(self.client.commit({TopicPartition(self.topic, partition): (offset, metadata)
                                     for partition, offset in offsets.items()}))

    def committed(self, partitions):
        return {place.partition: (LOOP.run(self.client.committed(place)), "")
                for place in self.places(partitions)}

    def ends(self, partitions):
        return {place.partition: offset for place, offset
                in LOOP.run(self.client.end_offsets(self.places(partitions))).items()}

    def offsets_for_time(self, partitions, timestamp):
        asked = {place: timestamp for place in self.places(partitions)}
        return {place.partition: found.offset if found is not None else None
                for place, found in LOOP.run(self.client.offsets_for_times(asked)).items()}

    def places(self, partitions):
        return [TopicPartition(self.topic, partition) for partition in partitions]

    def close(self):
        LOOP.run(self.client.stop())


def is_passing(error):
    return isinstance(error, (errors.KafkaConnectionError, errors.NodeNotReadyError,
                              errors.RequestTimedOutError, errors.CommitFailedError,
                              errors.KafkaTimeoutError)) or getattr(error, "retriable", False)


def kafka_name(error):
    """The name in the protocol's table of errors; the client has names of its own."""
    return {"MessageSizeTooLargeError": "MSG_SIZE_TOO_LARGE",
            "TopicAlreadyExistsError": "TOPIC_ALREADY_EXISTS",
            "InvalidTopicError": "TOPIC_EXCEPTION",
            "InvalidConfigurationError": "INVALID_CONFIG",
            }.get(type(error).__name__, type(error).__name__)
