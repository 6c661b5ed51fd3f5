"""Apache Kafka's own tools, called in one Java process; `../tools` is its program."""

import sys
from pathlib import Path

from process_client import Client, Process, decoded, encoded
from scenario import Failed

INSTALLATION = Path(sys.prefix).parent / "tools"
COMMAND = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
           "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
           "-cp", f"{INSTALLATION}/build/classes:{INSTALLATION}/build/dependency/*", "ToolsProgram"]
PACKAGE = "org.apache.kafka.tools"
# The classes behind the names of the scripts that call them.
TOOLS = {
    "kafka-broker-api-versions": f"{PACKAGE}.BrokerApiVersionsCommand",
    "kafka-configs": f"{PACKAGE}.ConfigCommand",
    "kafka-console-consumer": f"{PACKAGE}.consumer.ConsoleConsumer",
    "kafka-console-producer": f"{PACKAGE}.ConsoleProducer",
    "kafka-consumer-groups": f"{PACKAGE}.consumer.group.ConsumerGroupCommand",
    "kafka-delete-records": f"{PACKAGE}.DeleteRecordsCommand",
    "kafka-features": f"{PACKAGE}.FeatureCommand",
    "kafka-get-offsets": f"{PACKAGE}.GetOffsetShell",
    "kafka-groups": f"{PACKAGE}.GroupsCommand",
    "kafka-log-dirs": f"{PACKAGE}.LogDirsCommand",
    "kafka-producer-perf-test": f"{PACKAGE}.ProducerPerformance",
    "kafka-topics": f"{PACKAGE}.TopicCommand",
    "kafka-transactions": f"{PACKAGE}.TransactionsCommand",
    "kafka-verifiable-consumer": f"{PACKAGE}.VerifiableConsumer",
    "kafka-verifiable-producer": f"{PACKAGE}.VerifiableProducer",
}


class Run:
    """What a tool left behind."""

    def __init__(self, code, output, errors):
        self.code, self.output, self.errors = code, decoded(output).decode(), decoded(errors).decode()

    def succeeded(self):
        """The same, if the tool succeeded."""
        if self.code != 0:
            raise Failed(repr(self))
        return self

    def lines(self):
        return self.output.splitlines()

    def rows(self):
        """A table: the words of each line that has any."""
        return [line.split() for line in self.lines() if line.strip()]

    def __repr__(self):
        return f"exit {self.code}\n{self.output}\n{self.errors}"


class Tools(Client):
    """The tools; `bootstrap` is where they connect to."""

    def __init__(self, bootstrap):
        super().__init__(Process(COMMAND), "tools")
        self.bootstrap = bootstrap

    def run(self, tool, *arguments, stdin=""):
        """Runs a tool to its end, whatever that is."""
        server = () if tool == "kafka-producer-perf-test" else ("--bootstrap-server", self.bootstrap)
        return Run(*self.call("run", TOOLS[tool], encoded(stdin.encode()),
                              *(encoded(str(word).encode()) for word in (*server, *arguments))))
