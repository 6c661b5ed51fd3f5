import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;

/** A member of a group that writes in transactions, of which the offsets that it has read are part. */
final class TransformerClient implements ClientProgram.Client {
    private final ProducerClient producer;
    private final ConsumerClient consumer;
    private ConsumerRecords<byte[], byte[]> read = ConsumerRecords.empty();

    TransformerClient(Properties common, Map<String, String> options) {
        consumer = new ConsumerClient(common, options);
        try {
            producer = new ProducerClient(common, options);
        } catch (RuntimeException error) {
            // Nobody has it, to close it later.
            consumer.consumer.close();
            throw error;
        }
    }

    @Override
    public String call(String name, List<String> arguments) {
        switch (name) {
            case "subscribe" -> {
                return consumer.call(name, arguments);
            }
            case "begin", "send" -> {
                return producer.call(name, arguments);
            }
            case "poll" -> {
                read = consumer.poll(arguments.get(0));
                return ConsumerClient.json(read);
            }
            case "end" -> {
                return String.valueOf(end(arguments.get(0).equals("commit")));
            }
            case "close" -> {
                try {
                    consumer.call(name, arguments);
                } finally {
                    producer.call(name, arguments);
                }
                return "null";
            }
            default -> throw new IllegalArgumentException("no call: " + name);
        }
    }

    /** Whether the transaction was committed. When it was aborted, what was read is read again. */
    private boolean end(boolean commit) {
        try {
            producer.producer.flush();
            producer.producer.sendOffsetsToTransaction(read.nextOffsets(), consumer.consumer.groupMetadata());
            if (commit) {
                producer.producer.commitTransaction();
                return true;
            }
        } catch (ProducerFencedException fenced) {
            throw fenced;
        } catch (KafkaException error) {
            // A partition may have gone to another member, for one. An error that leaves nothing to be
            // aborted is thrown once more.
        }
        producer.producer.abortTransaction();
        rewind();
        return false;
    }

    private void rewind() {
        Set<TopicPartition> owned = consumer.consumer.assignment();
        Map<TopicPartition, OffsetAndMetadata> first = read.partitions().stream()
                .filter(owned::contains)
                .collect(Collectors.toMap(place -> place,
                        place -> new OffsetAndMetadata(read.records(place).get(0).offset())));
        first.forEach(consumer.consumer::seek);
    }
}
