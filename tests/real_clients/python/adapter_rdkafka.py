"""The `rdkafka` crate; `rust/` is its program, which Cargo builds for the tests."""

import os

from process_client import Program, is_passing  # noqa: F401
from records import Limits

NAME = "rdkafka (Rust)"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
LIMITS = Limits()
IDEMPOTENT = True
ASSIGNORS = ["range", "cooperative-sticky"]
STATIC_MEMBERS = True
COMMIT_METADATA = True

program = Program([os.environ["RDKAFKA_PROGRAM"]], "classic")
Admin, ClientProducer, ClientConsumer = program.admin, program.producer, program.consumer
start_transactional_producer = program.start_transactional_producer
