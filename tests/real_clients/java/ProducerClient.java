import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A producer. What has become of a record is asked for later: a record itself has no answer. With a
 * transactional id it has taken that id over when it is there.
 */
final class ProducerClient implements ClientProgram.Client {
    final KafkaProducer<byte[], byte[]> producer;
    private final BlockingQueue<String> outcomes = new LinkedBlockingQueue<>();

    ProducerClient(Properties common, Map<String, String> options) {
        Properties settings = new Properties();
        settings.putAll(common);
        settings.put("client.id", options.get("client_id"));
        settings.put("acks", "all");
        settings.put("enable.idempotence", options.get("idempotent"));
        settings.put("compression.type", options.get("codec"));
        settings.put("linger.ms", "5");
        settings.put("max.request.size", options.get("request_bytes_max"));
        settings.put("delivery.timeout.ms", "240000");
        settings.put("retry.backoff.ms", "50");
        if (options.containsKey("transactional_id")) {
            settings.put("transactional.id", options.get("transactional_id"));
        }
        producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        if (options.containsKey("transactional_id")) {
            takeOver();
        }
    }

    private void takeOver() {
        try {
            producer.initTransactions();
        } catch (RuntimeException error) {
            // Nobody has it, to close it later.
            producer.close(Duration.ZERO);
            throw error;
        }
    }

    @Override
    public String call(String name, List<String> arguments) {
        switch (name) {
            case "send" -> {
                send(arguments);
                return null;
            }
            case "outcomes" -> {
                return outcomes(Long.parseLong(arguments.get(0)));
            }
            case "begin" -> producer.beginTransaction();
            case "commit" -> producer.commitTransaction();
            case "abort" -> producer.abortTransaction();
            case "throttled_ms" -> {
                return Wire.throttledMilliseconds(producer.metrics().values());
            }
            case "close" -> producer.close();
            default -> throw new IllegalArgumentException("no call: " + name);
        }
        return "null";
    }

    private void send(List<String> words) {
        String tag = words.get(3);
        List<Header> headers = new ArrayList<>();
        for (String word : words.subList(6, words.size())) {
            String[] header = word.split(":", 2);
            headers.add(new RecordHeader(Wire.text(header[0]), Wire.bytes(header[1])));
        }
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(words.get(0), Integer.valueOf(words.get(1)),
                Long.valueOf(words.get(2)), Wire.bytes(words.get(4)), Wire.bytes(words.get(5)), headers);
        try {
            producer.send(record, (metadata, error) -> outcomes.add(error == null
                    ? "[" + tag + "," + metadata.offset() + ",null]" : refused(tag, error)));
        } catch (RuntimeException error) {
            outcomes.add(refused(tag, error));
        }
    }

    private static String refused(String tag, Exception error) {
        return "[" + tag + ",null,\"" + Wire.name(error) + "\"]";
    }

    /** What is known by now; when it is nothing, it waits for the first. */
    private String outcomes(long milliseconds) {
        List<String> known = new ArrayList<>();
        try {
            String first = outcomes.poll(milliseconds, TimeUnit.MILLISECONDS);
            if (first != null) {
                known.add(first);
                outcomes.drainTo(known);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        return Wire.list(known, outcome -> outcome);
    }
}
