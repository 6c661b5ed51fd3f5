"""node-rdkafka; `node/node_rdkafka` is its program."""

import sys
from pathlib import Path

from process_client import ProcessTopicAdmin, Program, is_passing  # noqa: F401
from records import Limits

NAME = "node-rdkafka"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
# It makes text of the values of headers, and ends them at a zero.
LIMITS = Limits(null_header_values=False, binary_header_values=False)
IDEMPOTENT = True
ASSIGNORS = ["range", "cooperative-sticky"]
STATIC_MEMBERS = True
COMMIT_METADATA = False

# It is compiled where it is installed, which is not where its program is.
clients = Path(sys.prefix).parent
COMMAND = ["env", f"NODE_PATH={clients / 'node-rdkafka' / 'node_modules'}",
           "node", str(clients / "node" / "node_rdkafka" / "main.js")]

program = Program(COMMAND, "classic", ProcessTopicAdmin)
Admin, ClientProducer, ClientConsumer = program.admin, program.producer, program.consumer
start_transactional_producer = program.start_transactional_producer
