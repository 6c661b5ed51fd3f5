"""sarama; `go/sarama` is its program."""

import sys
from pathlib import Path

from process_client import Program, is_passing  # noqa: F401
from records import Limits

NAME = "sarama"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
LIMITS = Limits()
IDEMPOTENT = True
ASSIGNORS = ["range", "sticky"]
STATIC_MEMBERS = True
COMMIT_METADATA = True

program = Program([str(Path(sys.prefix).parent / "go" / "sarama")], "classic")
Admin, ClientProducer, ClientConsumer = program.admin, program.producer, program.consumer
start_transactional_producer = program.start_transactional_producer
