#!/usr/bin/env python3
"""How long from the start of the process to the first Metadata answer, and how much memory it holds at rest.

Usage: bench/start.py [--binary target/release/ottla] [--starts 5] [--output bench/results/start.json]

Each start has an empty data directory of its own below the current directory, so that the disk is the one the data would
be on. The clock starts before the process is made; the answer is a Metadata v1 answer for all topics that parses. The port is
chosen beforehand and the client connects in a tight loop, as a waiting client would at best.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

METADATA_REQUEST = struct.pack(">hhih5si", 3, 1, 7, 5, b"bench", -1)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def receive(connection, count):
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise ConnectionError("closed before the answer was complete")
        received += part
    return received


def metadata_answer(port, deadline):
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(struct.pack(">i", len(METADATA_REQUEST)) + METADATA_REQUEST)
                (length,) = struct.unpack(">i", receive(connection, 4))
                answer = receive(connection, length)
                correlation_id, brokers = struct.unpack_from(">ii", answer)
                if correlation_id != 7 or brokers != 1:
                    raise ValueError(f"not a Metadata answer: {answer!r}")
                return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise ValueError("no VmRSS")


def one_start(binary):
    directory = tempfile.mkdtemp(prefix="ottla-start-", dir=".")
    kafka, http = free_port(), free_port()
    command = [
        binary, "serve", "--data-dir", os.path.join(directory, "data"),
        "--listen", f"127.0.0.1:{kafka}", "--http", f"127.0.0.1:{http}",
    ]
    try:
        begin = time.monotonic()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            metadata_answer(kafka, begin + 10)
            answered_ms = (time.monotonic() - begin) * 1000
            # At rest: the first background work is over and nobody is connected.
            time.sleep(2)
            resident = resident_kib(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(timeout=10)
        if status != 0:
            raise RuntimeError(f"the broker ended with {status}")
        return {"first_metadata_answer_ms": round(answered_ms, 2), "resident_at_rest_kib": resident}
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/ottla")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--output")
    arguments = parser.parse_args()
    runs = [one_start(arguments.binary) for _ in range(arguments.starts)]
    version = subprocess.run([arguments.binary, "version"], capture_output=True, text=True, check=True).stdout.strip()
    result = {
        "what": "process start to first Metadata answer on an empty directory; resident memory 2 s later",
        "version": version,
        "machine": {"processors": os.cpu_count(), "kernel": platform.release(), "architecture": platform.machine()},
        "runs": runs,
        "median_first_metadata_answer_ms": statistics.median(run["first_metadata_answer_ms"] for run in runs),
        "median_resident_at_rest_kib": statistics.median(run["resident_at_rest_kib"] for run in runs),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.output:
        os.makedirs(os.path.dirname(arguments.output) or ".", exist_ok=True)
        with open(arguments.output, "w") as output:
            output.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
