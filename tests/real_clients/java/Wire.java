import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.Errors;

/** Words in, JSON out. */
final class Wire {
    private Wire() {}

    static Map<String, String> pairs(Collection<String> words) {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (String word : words) {
            String[] pair = word.split("=", 2);
            pairs.put(pair[0], pair[1]);
        }
        return pairs;
    }

    /** Bytes out of a word: Base64, which has no hyphen, so that a hyphen is null. */
    static byte[] bytes(String word) {
        return word.equals("-") ? null : Base64.getDecoder().decode(word);
    }

    static String text(String word) {
        return new String(bytes(word), StandardCharsets.UTF_8);
    }

    static String value(String json) {
        return "\"value\":" + json;
    }

    /** An error goes to the caller by its name in Kafka, with whether trying again may help. */
    static String error(Throwable thrown) {
        Throwable error = unwrapped(thrown);
        boolean passing = error instanceof RetriableException
                || error instanceof CommitFailedException
                || error instanceof RebalanceInProgressException;
        return "\"error\":" + base64(error.toString()) + ",\"name\":\"" + name(error) + "\",\"passing\":" + passing;
    }

    static String name(Throwable thrown) {
        return Errors.forException(unwrapped(thrown)).name();
    }

    /** The longest time for which brokers have throttled a client, by its metrics. */
    static String throttledMilliseconds(Collection<? extends Metric> metrics) {
        return String.valueOf(metrics.stream()
                .filter(metric -> metric.metricName().name().endsWith("-throttle-time-max"))
                .mapToDouble(metric -> (Double) metric.metricValue())
                .filter(milliseconds -> milliseconds > 0)
                .max().orElse(0));
    }

    private static Throwable unwrapped(Throwable error) {
        Throwable inner = error;
        while (inner.getCause() != null && (inner instanceof ExecutionException
                || inner instanceof CompletionException || inner.getClass() == KafkaException.class)) {
            inner = inner.getCause();
        }
        return inner;
    }

    static <T> String list(Iterable<T> items, Function<T, String> json) {
        return StreamSupport.stream(items.spliterator(), false).map(json)
                .collect(Collectors.joining(",", "[", "]"));
    }

    /** Bytes as JSON. As Base64 they need no escapes. */
    static String base64(byte[] bytes) {
        return bytes == null ? "null" : "\"" + Base64.getEncoder().encodeToString(bytes) + "\"";
    }

    static String base64(String text) {
        return text == null ? "null" : base64(text.getBytes(StandardCharsets.UTF_8));
    }
}
