#!/bin/sh
# What some tests call to make and change topics, as in a distribution of Apache Kafka.
exec java -Xshare:auto -XX:TieredStopAtLevel=1 -cp "$KAFKA_JARS/*" org.apache.kafka.tools.TopicCommand "$@"
