"""franz-go, its consumers at least; it is told what to do by `go/main.go`.

Producers and administrators are librdkafka's: what these scenarios are about is groups.
"""

import sys
from pathlib import Path

from adapter_confluent_consumer import (Admin, ASSIGNORS, CODECS, COMMIT_METADATA,  # noqa: F401
                                        IDEMPOTENT, LIMITS, PATTERNS, ClientProducer)
from member_process import consumers, is_passing  # noqa: F401

NAME = "franz-go"
COMMAND = [str(Path(sys.prefix).parent / "go" / "member")]
# When a static member of it leaves for a while, it does not say which instance leaves. Kafka refuses that
# too, so the member is not back before its session has ended.
STATIC_MEMBERS = False

ClientConsumer = consumers(COMMAND)
