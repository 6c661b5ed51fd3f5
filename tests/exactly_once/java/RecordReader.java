import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints the records of a topic: {@code PARTITION OFFSET KEY VALUE}, with {@code -} for no key.
 *
 * <p>{@code RecordReader BOOTSTRAP TOPIC PARTITIONS follow} prints what is committed, as soon as it is,
 * until it is killed. The other ways end at the end of the log as it is when they begin: {@code
 * committed}, which does not get there while a transaction is open, and {@code uncommitted}, which also
 * prints what was aborted. The end of the input ends each of them at once.
 */
final class RecordReader {
    private RecordReader() {}

    public static void main(String[] arguments) throws Exception {
        endWithInput();
        String topic = arguments[1];
        List<TopicPartition> partitions = IntStream.range(0, Integer.parseInt(arguments[2]))
                .mapToObj(partition -> new TopicPartition(topic, partition))
                .toList();
        String way = arguments[3];
        Properties settings = settings(arguments[0], way.equals("uncommitted"));
        Map<TopicPartition, Long> ends = way.equals("follow") ? Map.of() : ends(settings, partitions);
        PrintStream output =
                new PrintStream(new BufferedOutputStream(System.out), false, StandardCharsets.UTF_8);
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (ends.isEmpty() || !hasReached(consumer, ends)) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    String key = record.key() == null ? "-" : record.key();
                    output.println(record.partition() + " " + record.offset() + " " + key + " " + record.value());
                }
                output.flush();
            }
        }
    }

    /** Whoever has started this is gone when the input ends. */
    private static void endWithInput() {
        Thread waiting = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // Nothing is said on the input.
                }
            } catch (IOException error) {
                // As good as an end.
            }
            Runtime.getRuntime().halt(5);
        });
        waiting.setDaemon(true);
        waiting.start();
    }

    private static boolean hasReached(KafkaConsumer<String, String> consumer, Map<TopicPartition, Long> ends) {
        return ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
    }

    /** Where the logs end, behind all transactions. */
    private static Map<TopicPartition, Long> ends(Properties settings, List<TopicPartition> partitions)
            throws Exception {
        Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
        partitions.forEach(partition -> latest.put(partition, OffsetSpec.latest()));
        Map<TopicPartition, Long> ends = new HashMap<>();
        try (Admin admin = Admin.create(settings)) {
            admin.listOffsets(latest).all().get().forEach((partition, end) -> ends.put(partition, end.offset()));
        }
        return ends;
    }

    private static Properties settings(String bootstrap, boolean isUncommitted) {
        Properties settings = new Properties();
        settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(
                ConsumerConfig.ISOLATION_LEVEL_CONFIG, isUncommitted ? "read_uncommitted" : "read_committed");
        // It begins where it is told to and never jumps.
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 500);
        return settings;
    }
}
