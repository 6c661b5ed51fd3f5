"""Consumers of clients that are no Python library: each is a process that does what it is told.

A call is a line of words, its answer a line of JSON. Bytes travel as Base64.
"""

import base64
import json
import subprocess

import adapter_confluent_consumer as librdkafka
from records import Record


class CallFailed(Exception):
    """A call did not succeed; `passing` tells whether the same call may succeed later."""

    def __init__(self, text, passing):
        super().__init__(text)
        self.passing = passing


class ProcessConsumer:
    """A consumer in a process of its own, with the methods that scenarios expect of a consumer."""

    def __init__(self, command, bootstrap, group, protocol, assignor, instance):
        words = [f"bootstrap={bootstrap}", f"group={group}", f"protocol={protocol}",
                 f"assignor={assignor}"]
        if instance:
            words.append(f"instance={instance}")
        self.process = subprocess.Popen([*command, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.answer("ready")

    def answer(self, call):
        line = self.process.stdout.readline()
        if not line:
            raise CallFailed(f"{call}: the process ended with {self.process.wait(30)}", False)
        answer = json.loads(line)
        if "error" in answer:
            text = base64.b64decode(answer["error"]).decode()
            raise CallFailed(f"{call}: {text}", answer["passing"])
        return answer["value"]

    def call(self, name, *words):
        print(name, *words, file=self.process.stdin, flush=True)
        return self.answer(name)

    def subscribe(self, topic):
        # As librdkafka has it: a name with this first character is a pattern.
        self.call("subscribe_to_pattern" if topic.startswith("^") else "subscribe", topic)

    def assign(self, topic, offsets):
        self.call("assign", topic, *places(offsets))

    def poll(self, seconds):
        return [Record(partition, offset, optional(key), optional(value),
                       tuple((decoded(name).decode(), optional(content))
                             for name, content in headers), timestamp)
                for partition, offset, key, value, headers, timestamp
                in self.call("poll", round(seconds * 1000))]

    def places(self):
        return {(topic, partition) for topic, partition in self.call("assignment")}

    def assignment(self):
        return {partition for _, partition in self.places()}

    def commit(self, offsets, metadata=""):
        self.call("commit", base64.b64encode(metadata.encode()).decode(), *places(offsets))

    def committed(self, partitions):
        return {partition: (offset, decoded(metadata).decode())
                for partition, offset, metadata in self.call("committed", *partitions)}

    def close(self):
        self.call("close")
        self.process.wait(30)


def consumers(command):
    """What makes consumers of the client with this program. A reader without a group is
    librdkafka's."""
    def make(bootstrap, group, assignor=None, instance=None, protocol="consumer"):
        if group is None:
            return librdkafka.ClientConsumer(bootstrap, None)
        assignor = assignor or ("uniform" if protocol == "consumer" else "range")
        return ProcessConsumer(command, bootstrap, group, protocol, assignor, instance)

    return make


def is_passing(error):
    """Whether a commit or a look-up that failed so is simply asked again."""
    return isinstance(error, CallFailed) and error.passing or librdkafka.is_passing(error)


def places(offsets):
    return [f"{partition}={offset}" for partition, offset in offsets.items()]


def decoded(text):
    return base64.b64decode(text)


def optional(text):
    return None if text is None else decoded(text)
