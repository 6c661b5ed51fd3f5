"""franz-go, whose groups share on the classic protocol; `go/franz_go` is its program."""

import sys
from pathlib import Path

from process_client import Program, is_fenced, is_passing  # noqa: F401
from records import Limits

NAME = "franz-go"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
LIMITS = Limits()
IDEMPOTENT = True
ASSIGNORS = ["range", "cooperative-sticky"]
STATIC_MEMBERS = True
COMMIT_METADATA = True
COMMAND = [str(Path(sys.prefix).parent / "go" / "franz_go")]

program = Program(COMMAND, "classic")
Admin, ClientProducer, ClientConsumer = program.admin, program.producer, program.consumer
ClientTransformer = program.transformer
start_transactional_producer = program.start_transactional_producer
