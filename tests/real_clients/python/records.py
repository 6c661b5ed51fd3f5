"""Records as planned, as acknowledged and as read back, and the comparison of them.

A plan is a pure function of its seed, so a difference can be looked into again. Nothing here knows
a client: each adapter turns what its client hands out into `Record`.
"""

import random
from dataclasses import dataclass

# The default of max.message.bytes: the largest batch, with its header, that a topic takes.
MAX_MESSAGE_BYTES = 1048588
BATCH_HEADER_BYTES = 61

# Lengths at which variable-length numbers and buffers change their shape.
EDGE_SIZES = [0, 1, 2, 63, 64, 127, 128, 255, 256, 1023, 1024, 8191, 8192, 16383, 16384, 65536]


@dataclass(frozen=True)
class Planned:
    """A record before it is sent."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple
    timestamp: int


@dataclass(frozen=True)
class Record:
    """A record as it was read, or as it is expected to be read."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple
    timestamp: int


@dataclass(frozen=True)
class Limits:
    """What a client's own interface cannot express, so that a plan leaves it out."""

    null_header_values: bool = True
    binary_header_values: bool = True
    headers: bool = True
    repeated_headers: bool = True
    key_and_value_null: bool = True


def plan(count, partitions, seed, first_timestamp, limits):
    """`count` records with all the shapes a record can have, small ones mostly."""
    rng = random.Random(seed)
    shapes = [plan_size(rng, index, count) for index in range(count)]
    return [
        plan_record(rng, index, size, partitions, first_timestamp, limits)
        for index, size in enumerate(shapes)
    ]


def plan_size(rng, index, count):
    if index < len(EDGE_SIZES):
        return EDGE_SIZES[index]
    if index == count // 2:
        return 1_000_000
    if index % 250 == 17:
        return rng.randrange(50_000, 200_000)
    if index % 40 == 5:
        return rng.randrange(1_000, 20_000)
    return rng.randrange(0, 300)


def plan_record(rng, index, size, partitions, first_timestamp, limits):
    # A third of the values cannot be compressed, the others can.
    value = rng.randbytes(size) if index % 3 == 0 else (b"%d-" % index * (size // 2 + 1))[:size]
    key = [b"key-%d" % (index % 97), None, b"", rng.randbytes(11)][rng.randrange(4)]
    if index % 11 == 3 and (key is not None or limits.key_and_value_null):
        value = None
    headers = plan_headers(rng, limits) if limits.headers else ()
    return Planned(rng.randrange(partitions), key, value, headers, first_timestamp + index)


def plan_headers(rng, limits):
    names = ["trace", "", "h\u00e9ader", "twice", "twice"]
    long = rng.randbytes(40)
    values = [b"", b"v", long if limits.binary_header_values else long.hex().encode()]
    if limits.null_header_values:
        values.append(None)
    headers = tuple((names[rng.randrange(5)], values[rng.randrange(len(values))])
                    for _ in range(rng.randrange(4)))
    return headers if limits.repeated_headers else tuple(dict(headers).items())


def largest_value(max_message_bytes=MAX_MESSAGE_BYTES):
    """The value size of a keyless, headerless record whose batch is exactly the maximum."""
    size = max_message_bytes - BATCH_HEADER_BYTES
    while batch_bytes(size) > max_message_bytes:
        size -= 1
    return size


def batch_bytes(value_size):
    # Attributes, timestamp delta, offset delta, null key and header count take one byte each.
    body = 5 + varint_bytes(value_size) + value_size
    return BATCH_HEADER_BYTES + varint_bytes(body) + body


def varint_bytes(number):
    zigzag, count = number << 1, 1
    while zigzag >= 0x80:
        zigzag >>= 7
        count += 1
    return count


def expected(planned, offset):
    """What must be read for a planned record that was acknowledged at `offset`."""
    return Record(planned.partition, offset, planned.key, planned.value, planned.headers,
                  planned.timestamp)


def compare(expect, read):
    """Differences, as sentences, between two lists of `Record`; none means they agree.

    Both directions count: a record missing, one too many, one twice and one changed.
    """
    differences = []
    wanted = index_by_place(expect, "acknowledged", differences)
    got = index_by_place(read, "read", differences)
    for place in sorted(wanted.keys() - got.keys()):
        differences.append(f"{describe(place)} was acknowledged and not read")
    for place in sorted(got.keys() - wanted.keys()):
        differences.append(f"{describe(place)} was read and not acknowledged: {got[place]!r:.200}")
    for place in sorted(wanted.keys() & got.keys()):
        for field in ("key", "value", "headers", "timestamp"):
            one, other = getattr(wanted[place], field), getattr(got[place], field)
            if one != other or type(one) is not type(other):
                differences.append(
                    f"{describe(place)} has {field} {other!r:.200}, expected {one!r:.200}")
    return differences


def index_by_place(records, verb, differences):
    by_place = {}
    for record in records:
        place = (record.partition, record.offset)
        if place in by_place:
            differences.append(f"{describe(place)} was {verb} twice")
        by_place[place] = record
    return by_place


def describe(place):
    return f"partition {place[0]} offset {place[1]}"


def in_order(read):
    """Differences in the order of a complete read: each partition runs 0, 1, 2, ..."""
    differences, following = [], {}
    for record in read:
        wanted = following.get(record.partition, 0)
        if record.offset != wanted:
            differences.append(
                f"partition {record.partition}: read offset {record.offset} where {wanted} follows")
        following[record.partition] = record.offset + 1
    return differences
