"""Java's own client, its consumers at least; it is told what to do by `MemberProgram`.

Producers and administrators are librdkafka's: what these scenarios are about is groups.
"""

import sys
from pathlib import Path

from adapter_confluent_consumer import (Admin, ASSIGNORS, CODECS, COMMIT_METADATA,  # noqa: F401
                                        IDEMPOTENT, LIMITS, PATTERNS, STATIC_MEMBERS, ClientProducer)
from member_process import consumers, is_passing  # noqa: F401

NAME = "kafka-clients (Java)"
INSTALLATION = Path(sys.prefix).parent / "java"
# Small and quick to start: there are several at once.
COMMAND = ["java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
           "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
           "-cp", f"{INSTALLATION}/build/classes:{INSTALLATION}/build/dependency/*",
           "MemberProgram"]

ClientConsumer = consumers(COMMAND)
