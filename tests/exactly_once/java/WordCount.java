import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;

/**
 * One instance of an application that counts words.
 *
 * <p>{@code WordCount BOOTSTRAP STATE_DIRECTORY PROCESSING_GUARANTEE}. Every word of the topic {@code
 * lines} becomes a record of {@code counts}: the word, and how many of it there have been. The end of
 * the input ends the instance in good order, with the code 0; if Streams gives up, the code is 3.
 */
final class WordCount {
    private WordCount() {}

    public static void main(String[] arguments) throws IOException {
        KafkaStreams streams = new KafkaStreams(topology(), settings(arguments));
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.ERROR) {
                Runtime.getRuntime().halt(3);
            }
        });
        streams.start();
        while (System.in.read() >= 0) {
            // Nothing is said on the input; only its end means something.
        }
        boolean hasEnded = streams.close(Duration.ofSeconds(60));
        Runtime.getRuntime().halt(hasEnded ? 0 : 4);
    }

    private static Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream("lines", Consumed.with(Serdes.String(), Serdes.String()))
                .flatMapValues(line -> List.of(line.split(" ")))
                .groupBy((key, word) -> word, Grouped.with("words", Serdes.String(), Serdes.String()))
                .count()
                .toStream()
                .mapValues(count -> Long.toString(count))
                .to("counts", Produced.with(Serdes.String(), Serdes.String()));
        return builder.build();
    }

    private static Properties settings(String[] arguments) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[1]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, arguments[2]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "word-count");
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        // Long enough that a kill finds a transaction with records in it, short enough that there are many.
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 500);
        // Without a cache every count is told, also those that another one follows at once.
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        // A killed instance is missed soon.
        settings.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 6000);
        settings.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 1000);
        settings.put(StreamsConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 500);
        return settings;
    }
}
