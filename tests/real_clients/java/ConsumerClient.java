import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A consumer, as a member of a group on one of the two protocols or by itself. */
final class ConsumerClient implements ClientProgram.Client {
    private static final Map<String, String> CLASSIC_ASSIGNORS = Map.of(
            "range", "org.apache.kafka.clients.consumer.RangeAssignor",
            "cooperative-sticky", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");

    final KafkaConsumer<byte[], byte[]> consumer;
    private String topic;

    ConsumerClient(Properties common, Map<String, String> options) {
        Properties settings = new Properties();
        settings.putAll(common);
        settings.put("client.id", options.get("client_id"));
        put(settings, "isolation.level", options.get("isolation"));
        put(settings, "max.poll.records", options.get("records_max"));
        if (options.containsKey("group")) {
            settings.put("group.id", options.get("group"));
        }
        settings.put("group.protocol", options.get("protocol"));
        if (options.get("protocol").equals("consumer")) {
            settings.put("group.remote.assignor", options.get("assignor"));
        } else {
            settings.put("partition.assignment.strategy", CLASSIC_ASSIGNORS.get(options.get("assignor")));
            settings.put("session.timeout.ms", options.getOrDefault("session_timeout_ms", "10000"));
            settings.put("heartbeat.interval.ms", "500");
        }
        if (options.containsKey("instance")) {
            settings.put("group.instance.id", options.get("instance"));
        }
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("fetch.max.wait.ms", "100");
        consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @Override
    public String call(String name, List<String> arguments) {
        switch (name) {
            case "subscribe" -> {
                topic = arguments.get(0);
                consumer.subscribe(List.of(topic));
            }
            case "subscribe_to_pattern" -> consumer.subscribe(new SubscriptionPattern(arguments.get(0)));
            case "assign" -> {
                topic = arguments.get(0);
                Map<TopicPartition, Long> places = numbers(arguments.subList(1, arguments.size()));
                consumer.assign(places.keySet());
                places.forEach(consumer::seek);
            }
            case "poll" -> {
                return json(poll(arguments.get(0)));
            }
            case "assignment" -> {
                return Wire.list(consumer.assignment(), AdminClient::place);
            }
            case "commit" -> commit(arguments);
            case "committed" -> {
                Map<TopicPartition, OffsetAndMetadata> found = consumer.committed(new HashSet<>(places(arguments)));
                return perPartition(arguments, place -> offset(found.get(place)));
            }
            case "ends" -> {
                Map<TopicPartition, Long> ends = consumer.endOffsets(places(arguments));
                return perPartition(arguments, place -> ends.get(place).toString());
            }
            case "offsets_for_time" -> {
                Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(numbers(arguments));
                return perPartition(Wire.pairs(arguments).keySet(), place ->
                        found.get(place) == null ? "null" : String.valueOf(found.get(place).offset()));
            }
            case "throttled_ms" -> {
                return Wire.throttledMilliseconds(consumer.metrics().values());
            }
            case "close" -> consumer.close();
            default -> throw new IllegalArgumentException("no call: " + name);
        }
        return "null";
    }

    ConsumerRecords<byte[], byte[]> poll(String milliseconds) {
        return consumer.poll(Duration.ofMillis(Long.parseLong(milliseconds)));
    }

    static String json(ConsumerRecords<byte[], byte[]> records) {
        return Wire.list(records, ConsumerClient::record);
    }

    private static void put(Properties settings, String name, String value) {
        if (value != null) {
            settings.put(name, value);
        }
    }

    private void commit(List<String> arguments) {
        String metadata = Wire.text(arguments.get(0));
        Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
        numbers(arguments.subList(1, arguments.size())).forEach((place, offset) ->
                committed.put(place, new OffsetAndMetadata(offset, metadata)));
        consumer.commitSync(committed);
    }

    private static String offset(OffsetAndMetadata committed) {
        return committed == null ? "[null,\"\"]"
                : "[" + committed.offset() + "," + Wire.base64(committed.metadata()) + "]";
    }

    private static String record(ConsumerRecord<byte[], byte[]> record) {
        String headers = Wire.list(record.headers(), header ->
                "[" + Wire.base64(header.key()) + "," + Wire.base64(header.value()) + "]");
        return "[" + record.partition() + "," + record.offset() + "," + Wire.base64(record.key()) + ","
                + Wire.base64(record.value()) + "," + headers + "," + record.timestamp() + ",\""
                + record.timestampType() + "\"]";
    }

    /** Partitions of the topic with numbers, out of words like {@code 3=17}. */
    private Map<TopicPartition, Long> numbers(List<String> words) {
        Map<TopicPartition, Long> numbers = new HashMap<>();
        Wire.pairs(words).forEach((partition, number) -> numbers.put(place(partition), Long.parseLong(number)));
        return numbers;
    }

    private List<TopicPartition> places(List<String> partitions) {
        return partitions.stream().map(this::place).toList();
    }

    private TopicPartition place(String partition) {
        return new TopicPartition(topic, Integer.parseInt(partition));
    }

    private String perPartition(Collection<String> partitions, Function<TopicPartition, String> json) {
        return Wire.list(partitions, partition -> "[" + partition + "," + json.apply(place(partition)) + "]");
    }
}
