"""Java's own client, whose groups share on the classic protocol; `java/` is its program."""

import sys
from pathlib import Path

from process_client import Program, is_fenced, is_passing  # noqa: F401
from records import Limits

NAME = "kafka-clients (Java)"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
LIMITS = Limits()
IDEMPOTENT = True
ASSIGNORS = ["range", "cooperative-sticky"]
STATIC_MEMBERS = True
COMMIT_METADATA = True
INSTALLATION = Path(sys.prefix).parent / "java"
# Small and quick to start: there are several at once.
COMMAND = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
           "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
           "-cp", f"{INSTALLATION}/build/classes:{INSTALLATION}/build/dependency/*",
           "ClientProgram"]

program = Program(COMMAND, "classic")
Admin, ClientProducer, ClientConsumer = program.admin, program.producer, program.consumer
ClientTransformer = program.transformer
start_transactional_producer = program.start_transactional_producer
