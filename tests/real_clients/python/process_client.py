"""Clients that are no Python library: a process does with them what it is told.

The language is described in `../README.md`. One process serves a whole scenario; each producer,
consumer and administrator in it has a number.
"""

import base64
import json
import queue
import subprocess
import threading

from records import MAX_MESSAGE_BYTES, Record
from scenario import TRANSFORMER_RECORDS_MAX, TRANSFORMER_SESSION_MS, Refused

# How long an answer may take.
SECONDS = 120
# What it is called that another instance has taken a transactional id over.
FENCED = {"PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"}
# Their names in librdkafka, which the scenarios use.
NAMES = {"MESSAGE_TOO_LARGE": "MSG_SIZE_TOO_LARGE", "INVALID_TOPIC_EXCEPTION": "TOPIC_EXCEPTION"}


class CallFailed(Exception):
    """A call did not succeed; `passing` tells whether the same call may succeed later."""

    def __init__(self, text, name, passing):
        super().__init__(text)
        self.name = name
        self.passing = passing


class Process:
    """The running program. Lines come back in any order: each goes to the client that it is for."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.writing = threading.Lock()
        self.answers = {0: queue.Queue()}
        threading.Thread(target=self.read, daemon=True).start()
        self.answer(0, "start")

    def read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            self.answers[answer["client"]].put(answer)
        for answers in list(self.answers.values()):
            answers.put(None)

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def new_number(self):
        with self.writing:
            number = len(self.answers)
            self.answers[number] = queue.Queue()
            return number

    def tell(self, number, *words):
        with self.writing:
            print(number, *words, file=self.process.stdin, flush=True)

    def answer(self, number, call):
        answer = self.answers[number].get(timeout=SECONDS)
        if answer is None:
            raise CallFailed(f"{call}: the process ended with {self.process.wait(30)}", None, False)
        if "error" in answer:
            raise CallFailed(f"{call}: {decoded(answer['error']).decode()}", answer["name"],
                             answer["passing"])
        return answer["value"]


class Client:
    """What all kinds of clients share: being made, called and closed."""

    def __init__(self, process, kind, **options):
        self.process, self.number = process, process.new_number()
        self.call(kind, *(f"{name}={value}" for name, value in options.items()))

    def tell(self, name, *words):
        self.process.tell(self.number, name, *words)

    def call(self, name, *words):
        self.tell(name, *words)
        return self.process.answer(self.number, name)

    def close(self):
        self.call("close")


class ProcessProducer(Client):
    """Sends planned records; `on_outcome(tag, offset, error)` is called once for each."""

    def __init__(self, process, on_outcome, **options):
        self.on_outcome = on_outcome
        self.tags = []
        super().__init__(process, "producer", **options)

    def throttled_ms(self):
        """The longest time for which brokers have throttled it."""
        return self.call("throttled_ms")

    def send(self, topic, planned, tag):
        self.tell(*sending(topic, planned, len(self.tags)))
        self.tags.append(tag)

    def turn(self, seconds):
        for number, offset, error in self.call("outcomes", round(seconds * 1000)):
            self.on_outcome(self.tags[number], offset, error and named(error))

    def flush(self, seconds):
        self.turn(0)

    def begin(self):
        self.call("begin")

    def commit(self):
        self.call("commit")

    def abort(self):
        self.call("abort")

    def close(self):
        super().close()
        self.turn = lambda seconds: None


class ProcessConsumer(Client):
    def __init__(self, process, **options):
        self.timestamp_types = set()
        super().__init__(process, "consumer", **options)

    def throttled_ms(self):
        """The longest time for which brokers have throttled it."""
        return self.call("throttled_ms")

    def subscribe(self, topic):
        # As librdkafka has it: a name with this first character is a pattern.
        self.call("subscribe_to_pattern" if topic.startswith("^") else "subscribe", topic)

    def assign(self, topic, offsets):
        self.call("assign", topic, *numbers(offsets))

    def poll(self, seconds):
        polled = self.call("poll", round(seconds * 1000))
        self.timestamp_types |= {fields[6] for fields in polled}
        return [read(fields) for fields in polled]

    def places(self):
        return {(topic, partition) for topic, partition in self.call("assignment")}

    def assignment(self):
        return {partition for _, partition in self.places()}

    def commit(self, offsets, metadata=""):
        self.call("commit", encoded(metadata.encode()), *numbers(offsets))

    def committed(self, partitions):
        return {partition: (offset, decoded(metadata).decode())
                for partition, (offset, metadata) in self.call("committed", *partitions)}

    def ends(self, partitions):
        return dict(self.call("ends", *partitions))

    def offsets_for_time(self, partitions, timestamp):
        return dict(self.call("offsets_for_time",
                              *numbers({partition: timestamp for partition in partitions})))


class ProcessTransformer(Client):
    """Reads as a member of a group, and writes in transactions, of which the offsets of what it has
    read are part."""

    def __init__(self, process, **options):
        super().__init__(process, "transformer", **options)

    def subscribe(self, topic):
        self.call("subscribe", topic)

    def poll(self, seconds):
        return [read(fields) for fields in self.call("poll", round(seconds * 1000))]

    def begin(self):
        self.call("begin")

    def send(self, topic, planned):
        self.tell(*sending(topic, planned, 0))

    def end(self, commit):
        """Whether it was committed. If it was aborted, what was read before is read again."""
        return self.call("end", "commit" if commit else "abort")


class ProcessTopicAdmin(Client):
    """An administrator of topics and of nothing else, as a client may have it."""

    def __init__(self, process):
        super().__init__(process, "admin")

    def asked(self, name, *words):
        """A call that the broker may refuse."""
        try:
            return self.call(name, *words)
        except CallFailed as error:
            if error.name is None:
                raise
            raise Refused(named(error.name)) from error

    def create_topic(self, topic, partitions, configs=None):
        self.asked("create_topic", topic, partitions, *numbers(configs or {}))

    def delete_topic(self, topic):
        self.call("delete_topic", topic)

    def grow_topic(self, topic, partitions):
        self.asked("grow_topic", topic, partitions)

    def topics(self):
        return dict(self.call("topics"))


class ProcessAdmin(ProcessTopicAdmin):
    """An administrator of everything."""

    def trim(self, topic, partition, offset):
        """The offset at which the partition begins then."""
        return self.asked("trim", topic, partition, offset)

    def topic_configs(self, topic):
        return {name: (value, by_default)
                for name, value, by_default in self.call("topic_configs", topic)}

    def set_topic_config(self, topic, name, value):
        self.asked("set_topic_config", topic, name, value)

    def listed_groups(self):
        """The groups with their types and states, as lists show them."""
        return {group: (kind, state) for group, kind, state in self.call("groups")}

    def groups(self):
        return set(self.listed_groups())

    def consumer_groups(self):
        """The groups that are consumer groups."""
        return {group for group, (kind, _) in self.listed_groups().items() if kind == "consumer"}

    def group_state(self, group):
        state, members = self.call("group_state", group)
        return state, members

    def shares(self, group):
        """What each member of a group has, by what a description of the group says."""
        try:
            shares = self.call("shares", group)
        except CallFailed as error:
            # Before the first member has joined there is no group.
            if error.name != "GROUP_ID_NOT_FOUND":
                raise
            return []
        return [{(topic, partition) for topic, partition in share} for share in shares]

    def group_offsets(self, group):
        return dict(self.call("group_offsets", group))

    def delete_group(self, group):
        self.call("delete_group", group)


class Program:
    """What an adapter needs to make clients of a program: they live in one process, which starts
    with the first of them."""

    def __init__(self, command, protocol, admin_class=ProcessAdmin):
        self.command, self.protocol, self.admin_class = command, protocol, admin_class
        self.process = None
        self.starting = threading.Lock()

    def running(self, bootstrap):
        with self.starting:
            if self.process is None:
                self.process = Process([*self.command, f"bootstrap={bootstrap}"])
            return self.process

    def producer(self, bootstrap, codec, on_outcome, idempotent=True,
                 request_bytes_max=MAX_MESSAGE_BYTES, client_id="producer", transactional_id=None):
        options = producer_options(codec, idempotent, request_bytes_max, client_id)
        if transactional_id:
            options["transactional_id"] = transactional_id
        return ProcessProducer(self.running(bootstrap), on_outcome, **options)

    def consumer(self, bootstrap, group, assignor=None, instance=None, protocol=None,
                 client_id="consumer", isolation=None):
        # Who belongs to no group speaks neither protocol.
        protocol = (protocol or self.protocol) if group else "classic"
        options = {"client_id": client_id, "protocol": protocol,
                   "assignor": assignor or ("uniform" if protocol == "consumer" else "range")}
        if group:
            options["group"] = group
        if instance:
            options["instance"] = instance
        if isolation:
            options["isolation"] = isolation
        return ProcessConsumer(self.running(bootstrap), **options)

    def transformer(self, bootstrap, group, transactional_id):
        options = producer_options("lz4", True, MAX_MESSAGE_BYTES, "transformer") | {
            "group": group,
            "protocol": self.protocol,
            "assignor": "uniform" if self.protocol == "consumer" else "range",
            "isolation": "read_committed",
            "session_timeout_ms": TRANSFORMER_SESSION_MS,
            "records_max": TRANSFORMER_RECORDS_MAX,
            "transactional_id": transactional_id,
        }
        return ProcessTransformer(self.running(bootstrap), **options)

    def admin(self, bootstrap):
        return self.admin_class(self.running(bootstrap))

    def start_transactional_producer(self, bootstrap):
        self.admin(bootstrap).asked("start_transactional_producer")


def producer_options(codec, idempotent, request_bytes_max, client_id):
    return {"codec": codec, "idempotent": str(idempotent).lower(),
            "request_bytes_max": request_bytes_max, "client_id": client_id}


def is_passing(error):
    """Whether a commit or a look-up that failed so is simply asked again."""
    return isinstance(error, CallFailed) and error.passing


def is_fenced(error):
    """Whether another instance has taken the transactional id over."""
    return isinstance(error, CallFailed) and error.name in FENCED


def named(name):
    return NAMES.get(name, name)


def sending(topic, planned, tag):
    """The words that send a record."""
    headers = (f"{encoded(name.encode())}:{encoded(value)}" for name, value in planned.headers)
    return ("send", topic, planned.partition, planned.timestamp, tag, encoded(planned.key),
            encoded(planned.value), *headers)


def read(fields):
    """A record as a program writes it."""
    partition, offset, key, value, headers, timestamp, _ = fields
    return Record(partition, offset, decoded(key), decoded(value),
                  tuple((decoded(name).decode(), decoded(content)) for name, content in headers),
                  timestamp)


def numbers(values):
    return [f"{name}={value}" for name, value in values.items()]


def encoded(content):
    """Bytes as a word. Base64 has no hyphen, so a hyphen is null."""
    return "-" if content is None else base64.b64encode(content).decode()


def decoded(text):
    return None if text is None else base64.b64decode(text)
