"""A transaction that no coordinator knows of: no client begins one, so the requests are written by hand."""

import socket
import struct
import time

# Of InitProducerId and Produce; the batches of these versions do not add their partitions to a transaction.
INIT_PRODUCER_ID, PRODUCE = (22, 0), (0, 3)
SECONDS = 30
IS_TRANSACTIONAL = 1 << 4


def begin(bootstrap, transactional_id, topic):
    """Writes a record to partition 0 as a part of a transaction that the partition was never added to. The id and
    the epoch of its producer, and where the transaction begins."""
    host, port = bootstrap.rsplit(":", 1)
    with socket.create_connection((host, int(port)), SECONDS) as connection:
        given = call(connection, INIT_PRODUCER_ID, text(transactional_id) + struct.pack(">i", 60_000))
        error, producer_id, producer_epoch = struct.unpack_from(">hqh", given, 4)
        if error:
            raise RuntimeError(f"InitProducerId: error {error}")
        records = batch(producer_id, producer_epoch, int(time.time() * 1000))
        partition = struct.pack(">iii", 1, 0, len(records)) + records
        produced = call(connection, PRODUCE, text(transactional_id) + struct.pack(">hii", -1, 30_000, 1)
                        + text(topic) + partition)
        error, offset = struct.unpack_from(">hq", produced, 4 + len(text(topic)) + 8)
        if error:
            raise RuntimeError(f"Produce: error {error}")
        return producer_id, producer_epoch, offset


def call(connection, api, body):
    """The answer to a request, behind its header."""
    request = struct.pack(">hhi", *api, 1) + text("hanging") + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    length, = struct.unpack(">i", received(connection, 4))
    return received(connection, length)[4:]


def received(connection, length):
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise ConnectionError("the broker has closed the connection")
        data += more
    return data


def text(value):
    value = value.encode()
    return struct.pack(">h", len(value)) + value


def batch(producer_id, producer_epoch, timestamp_ms):
    """One record without a key; lengths below 64 are one byte as varints, which are doubled."""
    value = b"hanging"
    record = bytes([0, 0, 0, 1, 2 * len(value)]) + value + b"\0"
    behind_checksum = struct.pack(">hiqqqhii", IS_TRANSACTIONAL, 0, timestamp_ms, timestamp_ms, producer_id,
                                  producer_epoch, 0, 1) + bytes([2 * len(record)]) + record
    behind_length = struct.pack(">ibI", -1, 2, crc32c(behind_checksum)) + behind_checksum
    return struct.pack(">qi", 0, len(behind_length)) + behind_length


def crc32c(data):
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0x82F63B78 if checksum & 1 else 0)
    return checksum ^ 0xFFFFFFFF
