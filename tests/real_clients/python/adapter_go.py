"""franz-go, its consumers at least; it is told what to do by `go/main.go`.

Producers and administrators are librdkafka's: what these scenarios are about is groups.
"""

import sys
from pathlib import Path

from adapter_confluent_consumer import (Admin, ASSIGNORS, CODECS, IDEMPOTENT, LIMITS,  # noqa: F401
                                        STATIC_MEMBERS, ClientProducer)
from member_process import consumers, is_passing  # noqa: F401

NAME = "franz-go"
COMMAND = [str(Path(sys.prefix).parent / "go" / "member")]
# Its commits carry no metadata of the caller's; its patterns are matched by the client.
COMMIT_METADATA = False
PATTERNS = False

ClientConsumer = consumers(COMMAND)
