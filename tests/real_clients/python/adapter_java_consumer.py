"""Java's own client with `group.protocol=consumer`."""

from adapter_java import (CODECS, COMMAND, COMMIT_METADATA, IDEMPOTENT, LIMITS,  # noqa: F401
                          STATIC_MEMBERS)
from process_client import Program, is_fenced, is_passing  # noqa: F401

NAME = "kafka-clients (Java, group.protocol=consumer)"
# Here the broker shares, and these are its ways.
ASSIGNORS = ["uniform", "range"]
# Whether the broker is given the pattern of a subscription.
PATTERNS = True

program = Program(COMMAND, "consumer")
Admin, ClientProducer, ClientConsumer = program.admin, program.producer, program.consumer
ClientTransformer = program.transformer
