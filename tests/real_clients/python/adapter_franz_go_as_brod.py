"""franz-go, held to the versions that brod speaks, the client of Erlang and Elixir."""

import adapter_franz_go
from adapter_franz_go import (ASSIGNORS, CODECS, COMMIT_METADATA, IDEMPOTENT, LIMITS,  # noqa: F401
                              STATIC_MEMBERS)
from process_client import Program, is_passing  # noqa: F401

NAME = "franz-go with brod's versions"
COMMAND = [*adapter_franz_go.COMMAND, "versions=brod"]

program = Program(COMMAND, "classic")
Admin, ClientProducer, ClientConsumer = program.admin, program.producer, program.consumer
start_transactional_producer = program.start_transactional_producer


def new_program():
    """One that can die by itself."""
    return Program(COMMAND, "classic")
