"""kafka-python: one adapter for 2.0.2, which many still run, and for 3, whose API is the same
where we use it. Which one is on the path decides what is offered."""

import time

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition, errors
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.structs import OffsetAndMetadata

from records import Limits, Record
from scenario import Refused

MODERN = not kafka.__version__.startswith("2.0.")
NAME = "kafka-python 3" if MODERN else "kafka-python 2.0.2"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
LIMITS = Limits(null_header_values=False, key_and_value_null=False)
IDEMPOTENT = MODERN
ASSIGNORS = ["range"]
STATIC_MEMBERS = MODERN
COMMIT_METADATA = True


def common(bootstrap):
    return {"bootstrap_servers": bootstrap, "reconnect_backoff_ms": 50,
            "reconnect_backoff_max_ms": 250, "retry_backoff_ms": 50}


class PlainAdmin:
    def __init__(self, bootstrap):
        self.client = KafkaAdminClient(**common(bootstrap))

    def create_topic(self, topic, partitions, configs=None):
        try:
            self.client.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs or {})])
        except errors.KafkaError as error:
            raise Refused(kafka_name(error)) from error

    def delete_topic(self, topic):
        self.client.delete_topics([topic])

    def topics(self):
        return {entry["name" if MODERN else "topic"]: len(entry["partitions"])
                for entry in self.client.describe_topics()}

    def close(self):
        self.client.close()


class ModernAdmin(PlainAdmin):
    """What only version 3 can be asked for."""

    def grow_topic(self, topic, partitions):
        try:
            self.client.create_partitions({topic: partitions})
        except errors.KafkaError as error:
            raise Refused(kafka_name(error)) from error

    def trim(self, topic, partition, offset):
        place = TopicPartition(topic, partition)
        try:
            return self.client.delete_records({place: offset})[place]["low_watermark"]
        except errors.KafkaError as error:
            raise Refused(kafka_name(error)) from error

    def topic_configs(self, topic):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        described = self.client.describe_configs([resource], config_filter="all")
        return {name: (entry["value"], entry["config_source"] == "DEFAULT_CONFIG")
                for name, entry in described["topic"][topic].items()}

    def set_topic_config(self, topic, name, value):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: value})
        outcome = self.client.alter_configs([resource], incremental=True)["topic"][topic]
        if outcome != "OK":
            raise Refused("INVALID_CONFIG" if "InvalidConfig" in outcome else outcome)

    def groups(self):
        return {group["group_id"] for group in self.client.list_groups()}

    def group_state(self, group):
        described = self.client.describe_groups([group])[group]
        return described["group_state"].lower(), len(described["members"])

    def group_offsets(self, group):
        return {place.partition: offset.offset
                for place, offset in self.client.list_group_offsets({group: None})[group].items()}

    def delete_group(self, group):
        self.client.delete_groups([group])


Admin = ModernAdmin if MODERN else PlainAdmin


def start_modern_transactional_producer(bootstrap):
    producer = KafkaProducer(**common(bootstrap), transactional_id="one")
    try:
        producer.init_transactions()
    except errors.KafkaTimeoutError:
        raise
    except errors.KafkaError as error:
        raise Refused(kafka_name(error)) from error


if MODERN:
    start_transactional_producer = start_modern_transactional_producer


class ClientProducer:
    def __init__(self, bootstrap, codec, on_outcome, idempotent=True, request_bytes_max=4_000_000,
                 client_id="producer"):
        self.on_outcome = on_outcome
        settings = common(bootstrap) | {
            "client_id": client_id,
            "acks": "all",
            "compression_type": None if codec == "none" else codec,
            "linger_ms": 5,
            "max_request_size": request_bytes_max,
            "max_block_ms": 60_000,
            # One in flight keeps the order over retries where there is no idempotence.
            "max_in_flight_requests_per_connection": 5 if idempotent else 1,
            "retries": 1_000_000,
        }
        if MODERN:
            settings["enable_idempotence"] = idempotent
            settings["delivery_timeout_ms"] = 240_000
        self.client = KafkaProducer(**settings)

    def send(self, topic, planned, tag):
        future = self.client.send(topic, planned.value, planned.key, list(planned.headers),
                                  planned.partition, planned.timestamp)
        future.add_callback(lambda sent: self.on_outcome(tag, sent.offset, None))
        future.add_errback(lambda error: self.on_outcome(tag, None, kafka_name(error)))

    def turn(self, seconds):
        time.sleep(seconds)

    def throttled_ms(self):
        return throttled_ms(self.client)

    def flush(self, seconds):
        try:
            self.client.flush(seconds)
            return True
        except errors.KafkaTimeoutError:
            return False

    def close(self):
        self.client.close(30)


class ClientConsumer:
    def __init__(self, bootstrap, group, assignor="range", instance=None, client_id="consumer"):
        settings = common(bootstrap) | {
            "client_id": client_id,
            "group_id": group,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "session_timeout_ms": 10_000,
            "heartbeat_interval_ms": 500,
            "fetch_max_wait_ms": 100,
            "metadata_max_age_ms": 2_000,
            "partition_assignment_strategy": [RangePartitionAssignor],
        }
        if instance:
            settings["group_instance_id"] = instance
        self.client = KafkaConsumer(**settings)
        self.topic = None

    def subscribe(self, topic):
        self.topic = topic
        self.client.subscribe([topic])

    def assign(self, topic, offsets):
        self.topic = topic
        self.client.assign(self.places(offsets))
        for partition, offset in offsets.items():
            self.client.seek(TopicPartition(topic, partition), offset)

    def poll(self, seconds):
        # Version 3.0.12 forgets to take up its partitions when a poll ends between the answers of
        # JoinGroup and SyncGroup, and then never reads: long polls make that unlikely.
        seconds = max(seconds, 2) if MODERN else seconds
        batches = self.client.poll(timeout_ms=int(seconds * 1000), max_records=500)
        return [Record(record.partition, record.offset, record.key, record.value,
                       tuple(tuple(header) for header in record.headers), record.timestamp)
                for records in batches.values() for record in records]

    def throttled_ms(self):
        return throttled_ms(self.client)

    def assignment(self):
        return {place.partition for place in self.client.assignment()}

    def commit(self, offsets, metadata=""):
        self.client.commit({TopicPartition(self.topic, partition): OffsetAndMetadata(offset, metadata)
                            for partition, offset in offsets.items()})

    def committed(self, partitions):
        answer = {}
        for place in self.places(partitions):
            committed = self.client.committed(place, metadata=True)
            answer[place.partition] = ((committed.offset, committed.metadata or "")
                                       if committed is not None else (None, ""))
        return answer

    def ends(self, partitions):
        return {place.partition: offset
                for place, offset in self.client.end_offsets(self.places(partitions)).items()}

    def offsets_for_time(self, partitions, timestamp):
        asked = {place: timestamp for place in self.places(partitions)}
        return {place.partition: found.offset if found is not None else None
                for place, found in self.client.offsets_for_times(asked).items()}

    def places(self, partitions):
        return [TopicPartition(self.topic, partition) for partition in partitions]

    def close(self):
        self.client.close(autocommit=False)


def throttled_ms(client):
    """The longest time for which brokers have throttled a client; versions name it differently."""
    return max((value for group in client.metrics().values() for name, value in group.items()
                if name.endswith("throttle-time-max") and value > 0), default=0)


def is_passing(error):
    return isinstance(error, errors.KafkaError) and (
        error.retriable or isinstance(error, (errors.CommitFailedError, errors.KafkaTimeoutError,
                                              errors.RebalanceInProgressError,
                                              errors.IllegalGenerationError,
                                              errors.UnknownMemberIdError)))


def kafka_name(error):
    """The name in the protocol's table of errors; the client has names of its own for some."""
    return {"MessageSizeTooLargeError": "MSG_SIZE_TOO_LARGE",
            "InvalidConfigurationError": "INVALID_CONFIG",
            "InvalidConfigError": "INVALID_CONFIG",
            "TopicAlreadyExistsError": "TOPIC_ALREADY_EXISTS",
            "InvalidPartitionsError": "INVALID_PARTITIONS",
            "OffsetOutOfRangeError": "OFFSET_OUT_OF_RANGE",
            "InvalidReplicationFactorError": "INVALID_REPLICATION_FACTOR",
            "InvalidTopicError": "TOPIC_EXCEPTION",
            }.get(type(error).__name__, type(error).__name__)
