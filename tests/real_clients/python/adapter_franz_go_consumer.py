"""franz-go on the consumer protocol."""

from adapter_franz_go import (CODECS, COMMAND, COMMIT_METADATA, IDEMPOTENT,  # noqa: F401
                              LIMITS)
from process_client import Program, is_fenced, is_passing  # noqa: F401

NAME = "franz-go (consumer protocol)"
# Here the broker shares, and these are its ways.
ASSIGNORS = ["uniform", "range"]
# When a static member of it leaves for a while it does not say which instance leaves; Kafka refuses that
# too.
STATIC_MEMBERS = False
PATTERNS = True

program = Program(COMMAND, "consumer")
Admin, ClientProducer, ClientConsumer = program.admin, program.producer, program.consumer
ClientTransformer = program.transformer
