"""kafkajs; `node/kafkajs` is its program."""

import sys
from pathlib import Path

from process_client import Program, is_passing  # noqa: F401
from records import Limits

NAME = "kafkajs"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
# Headers are an object of names and values there.
LIMITS = Limits(null_header_values=False, repeated_headers=False)
IDEMPOTENT = True
ASSIGNORS = ["roundrobin"]
STATIC_MEMBERS = False
COMMIT_METADATA = True
COMMAND = ["node", str(Path(sys.prefix).parent / "node" / "kafkajs" / "main.js")]

program = Program(COMMAND, "classic")
Admin, ClientProducer, ClientConsumer = program.admin, program.producer, program.consumer
start_transactional_producer = program.start_transactional_producer
