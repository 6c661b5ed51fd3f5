import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes the lines of its input to a topic, as an idempotent producer, to one partition after the
 * other.
 *
 * <p>{@code LineWriter BOOTSTRAP TOPIC PARTITIONS}. When the input has ended and every line is
 * acknowledged it prints how many there were and ends with the code 0. A line that is refused ends it
 * at once, with the code 3.
 */
final class LineWriter {
    private LineWriter() {}

    public static void main(String[] arguments) throws IOException {
        String topic = arguments[1];
        int partitions = Integer.parseInt(arguments[2]);
        AtomicLong acknowledged = new AtomicLong();
        KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings(arguments[0]), new StringSerializer(), new StringSerializer());
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        long number = 0;
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            int partition = (int) (number++ % partitions);
            producer.send(new ProducerRecord<>(topic, partition, null, line), (metadata, error) -> {
                if (error != null) {
                    System.err.println("a line was refused: " + error);
                    Runtime.getRuntime().halt(3);
                }
                acknowledged.incrementAndGet();
            });
        }
        producer.close();
        System.out.println(acknowledged.get());
    }

    private static Properties settings(String bootstrap) {
        Properties settings = new Properties();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.LINGER_MS_CONFIG, 20);
        settings.put(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 500);
        return settings;
    }
}
