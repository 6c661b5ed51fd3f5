"""confluent-kafka whose groups are consumer groups: members on the consumer protocol (KIP-848)."""

import adapter_confluent as classic
from adapter_confluent import (CODECS, COMMIT_METADATA, IDEMPOTENT, LIMITS, STATIC_MEMBERS,  # noqa: F401
                               ClientProducer, is_fenced)
from confluent_kafka import ConsumerGroupType, KafkaError, KafkaException

NAME = "confluent-kafka (group.protocol=consumer)"
# Here the broker shares, and these are its ways.
ASSIGNORS = ["uniform", "range"]
# Whether the broker is given the pattern of a subscription.
PATTERNS = True


class Admin(classic.Admin):
    def listed_groups(self):
        """The groups with their types and states, as lists show them."""
        listed = self.client.list_consumer_groups(request_timeout=30).result(30)
        return {group.group_id: (group.type.name.lower(), group.state.name.lower())
                for group in listed.valid}

    def consumer_groups(self):
        """The groups that are consumer groups."""
        listed = self.client.list_consumer_groups(types={ConsumerGroupType.CONSUMER},
                                                  request_timeout=30).result(30)
        return {group.group_id for group in listed.valid}

    def shares(self, group):
        """What each member of a group has, by what a description of the group says."""
        described = self.client.describe_consumer_groups([group], request_timeout=30)[group]
        return [{(place.topic, place.partition) for place in member.assignment.topic_partitions}
                for member in described.result(30).members]


class ClientConsumer(classic.ClientConsumer):
    def __init__(self, bootstrap, group, assignor="uniform", instance=None, protocol="consumer",
                 isolation=None, **more):
        # Who belongs to no group speaks no protocol, and one in three scenarios is about those who
        # have not moved over yet.
        if group is None or protocol == "classic":
            assignor = "range" if assignor == "uniform" else assignor
            return super().__init__(bootstrap, group, assignor, instance, isolation=isolation, **more)
        settings = classic.common(bootstrap) | {
            "group.id": group,
            "group.protocol": "consumer",
            "group.remote.assignor": assignor,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100,
            "topic.metadata.refresh.interval.ms": 2_000,
        }
        if instance:
            settings["group.instance.id"] = instance
        if isolation:
            settings["isolation.level"] = isolation
        self.client = classic.Consumer(settings | more)
        self.topic = None

    def places(self):
        """What it has been given, with the names of the topics."""
        return {(place.topic, place.partition) for place in self.client.assignment()}


class ClientTransformer(classic.ClientTransformer):
    def new_consumer(self, bootstrap, group, more):
        return ClientConsumer(bootstrap, group, isolation="read_committed", **more)


def is_passing(error):
    return classic.is_passing(error) or (
        isinstance(error, KafkaException) and error.args[0].code() in (
            KafkaError.STALE_MEMBER_EPOCH, KafkaError.FENCED_MEMBER_EPOCH))
