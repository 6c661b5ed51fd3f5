"""Lets the consumers of kafka-python ask for metadata twice a second. A consumer that connects before it knows
its subscription may be told of no topics, and by itself asks again only after five minutes: the tests do
not wait so long."""

from kafka import KafkaConsumer

KafkaConsumer.DEFAULT_CONFIG["metadata_max_age_ms"] = 500
