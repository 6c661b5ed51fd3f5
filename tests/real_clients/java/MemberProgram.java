import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * One consumer that does what it is told: a line of words on standard input is a call, and each is
 * answered by a line of JSON on standard output. When the input ends before {@code close} was
 * called, the process dies as if it had been killed, and leaves no group.
 *
 * <p>{@code tests/real_clients/python/member_process.py} is the other side.
 */
final class MemberProgram {
    private static final Map<String, String> CLASSIC_ASSIGNORS = Map.of(
            "range", "org.apache.kafka.clients.consumer.RangeAssignor",
            "cooperative-sticky", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");

    private final KafkaConsumer<byte[], byte[]> consumer;
    private String topic;

    private MemberProgram(Properties settings) {
        consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    public static void main(String[] arguments) throws IOException {
        Map<String, String> options = pairs(Arrays.asList(arguments));
        MemberProgram program = new MemberProgram(settings(options));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.out.println(value("\"ready\""));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            List<String> words = List.of(line.split(" "));
            System.out.println(program.answer(words));
            if (words.get(0).equals("close")) {
                return;
            }
        }
        Runtime.getRuntime().halt(1);
    }

    private static Properties settings(Map<String, String> options) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", options.get("bootstrap"));
        settings.put("group.id", options.get("group"));
        settings.put("group.protocol", options.get("protocol"));
        if (options.get("protocol").equals("consumer")) {
            settings.put("group.remote.assignor", options.get("assignor"));
        } else {
            settings.put("partition.assignment.strategy", CLASSIC_ASSIGNORS.get(options.get("assignor")));
            settings.put("session.timeout.ms", "10000");
            settings.put("heartbeat.interval.ms", "500");
        }
        if (options.containsKey("instance")) {
            settings.put("group.instance.id", options.get("instance"));
        }
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        settings.put("fetch.max.wait.ms", "100");
        settings.put("metadata.max.age.ms", "2000");
        settings.put("reconnect.backoff.ms", "50");
        settings.put("reconnect.backoff.max.ms", "250");
        return settings;
    }

    /** The answer to a call. What it throws goes to the caller, with whether trying again may help. */
    private String answer(List<String> words) {
        try {
            return value(call(words.get(0), words.subList(1, words.size())));
        } catch (RuntimeException error) {
            boolean passing = error instanceof RetriableException
                    || error instanceof CommitFailedException
                    || error instanceof RebalanceInProgressException;
            return "{\"error\":" + base64(error.toString().getBytes(StandardCharsets.UTF_8))
                    + ",\"passing\":" + passing + "}";
        }
    }

    private String call(String name, List<String> arguments) {
        switch (name) {
            case "subscribe" -> {
                topic = arguments.get(0);
                consumer.subscribe(List.of(topic));
            }
            case "subscribe_to_pattern" -> consumer.subscribe(new SubscriptionPattern(arguments.get(0)));
            case "assign" -> {
                topic = arguments.get(0);
                Map<TopicPartition, Long> places = offsets(arguments.subList(1, arguments.size()));
                consumer.assign(places.keySet());
                places.forEach(consumer::seek);
            }
            case "poll" -> {
                Duration longest = Duration.ofMillis(Long.parseLong(arguments.get(0)));
                return list(consumer.poll(longest), MemberProgram::record);
            }
            case "assignment" -> {
                return list(consumer.assignment(),
                        place -> "[\"" + place.topic() + "\"," + place.partition() + "]");
            }
            case "commit" -> {
                String metadata = text(arguments.get(0));
                Map<TopicPartition, OffsetAndMetadata> committed = new HashMap<>();
                offsets(arguments.subList(1, arguments.size())).forEach((place, offset) ->
                        committed.put(place, new OffsetAndMetadata(offset, metadata)));
                consumer.commitSync(committed);
            }
            case "committed" -> {
                return committed(arguments);
            }
            case "close" -> consumer.close();
            default -> throw new IllegalArgumentException("no call: " + name);
        }
        return "null";
    }

    private String committed(List<String> partitions) {
        List<TopicPartition> places = partitions.stream()
                .map(partition -> new TopicPartition(topic, Integer.parseInt(partition)))
                .toList();
        Map<TopicPartition, OffsetAndMetadata> found = consumer.committed(new HashSet<>(places));
        return list(places, place -> {
            OffsetAndMetadata offset = found.get(place);
            return "[" + place.partition() + "," + (offset == null ? "null,\"\"" : offset.offset() + ","
                    + base64(offset.metadata().getBytes(StandardCharsets.UTF_8))) + "]";
        });
    }

    /** Places with offsets, out of words like {@code 3=17}: all of one topic. */
    private Map<TopicPartition, Long> offsets(List<String> words) {
        Map<TopicPartition, Long> offsets = new HashMap<>();
        pairs(words).forEach((partition, offset) ->
                offsets.put(new TopicPartition(topic, Integer.parseInt(partition)), Long.parseLong(offset)));
        return offsets;
    }

    private static String record(ConsumerRecord<byte[], byte[]> record) {
        String headers = list(record.headers(), header ->
                "[" + base64(header.key().getBytes(StandardCharsets.UTF_8)) + "," + base64(header.value()) + "]");
        return "[" + record.partition() + "," + record.offset() + "," + base64(record.key()) + ","
                + base64(record.value()) + "," + headers + "," + record.timestamp() + "]";
    }

    private static Map<String, String> pairs(Collection<String> words) {
        return words.stream().map(word -> word.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
    }

    private static String value(String json) {
        return "{\"value\":" + json + "}";
    }

    private static <T> String list(Iterable<T> items, Function<T, String> json) {
        return StreamSupport.stream(items.spliterator(), false).map(json)
                .collect(Collectors.joining(",", "[", "]"));
    }

    /** Bytes as JSON. As Base64 they need no escapes. */
    private static String base64(byte[] bytes) {
        return bytes == null ? "null" : "\"" + Base64.getEncoder().encodeToString(bytes) + "\"";
    }

    private static String text(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }
}
