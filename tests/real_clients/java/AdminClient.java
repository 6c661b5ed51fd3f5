import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** An administrator. */
final class AdminClient implements ClientProgram.Client {
    private static final long PATIENCE_SECONDS = 60;

    private final Properties common;
    private final Admin admin;

    AdminClient(Properties common) {
        this.common = common;
        admin = Admin.create(common);
    }

    @Override
    public String call(String name, List<String> arguments) {
        String first = arguments.isEmpty() ? "" : arguments.get(0);
        switch (name) {
            case "create_topic" -> {
                NewTopic topic = new NewTopic(first, Integer.parseInt(arguments.get(1)), (short) 1)
                        .configs(Wire.pairs(arguments.subList(2, arguments.size())));
                result(admin.createTopics(Set.of(topic)).all());
            }
            case "delete_topic" -> result(admin.deleteTopics(Set.of(first)).all());
            case "grow_topic" -> {
                NewPartitions partitions = NewPartitions.increaseTo(Integer.parseInt(arguments.get(1)));
                result(admin.createPartitions(Map.of(first, partitions)).all());
            }
            case "trim" -> {
                TopicPartition place = new TopicPartition(first, Integer.parseInt(arguments.get(1)));
                RecordsToDelete records = RecordsToDelete.beforeOffset(Long.parseLong(arguments.get(2)));
                return String.valueOf(result(admin.deleteRecords(Map.of(place, records)).lowWatermarks().get(place))
                        .lowWatermark());
            }
            case "topics" -> {
                Set<String> names = result(admin.listTopics().names());
                Collection<TopicDescription> topics = result(admin.describeTopics(names).allTopicNames()).values();
                return Wire.list(topics, topic -> "[\"" + topic.name() + "\"," + topic.partitions().size() + "]");
            }
            case "topic_configs" -> {
                ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, first);
                return Wire.list(result(admin.describeConfigs(Set.of(resource)).all()).get(resource).entries(),
                        entry -> "[\"" + entry.name() + "\",\"" + entry.value() + "\","
                                + (entry.source() != ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG) + "]");
            }
            case "set_topic_config" -> {
                ConfigEntry entry = new ConfigEntry(arguments.get(1), arguments.get(2));
                result(admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, first),
                        List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET)))).all());
            }
            case "groups" -> {
                return Wire.list(result(admin.listGroups().valid()), AdminClient::listing);
            }
            case "group_state" -> {
                ConsumerGroupDescription group = describe(first);
                return "[\"" + letters(group.groupState()) + "\"," + group.members().size() + "]";
            }
            case "shares" -> {
                return Wire.list(describe(first).members(), member ->
                        Wire.list(member.assignment().topicPartitions(), AdminClient::place));
            }
            case "group_offsets" -> {
                Map<TopicPartition, OffsetAndMetadata> offsets = result(
                        admin.listConsumerGroupOffsets(first).partitionsToOffsetAndMetadata());
                return Wire.list(offsets.entrySet(), offset ->
                        "[" + offset.getKey().partition() + "," + offset.getValue().offset() + "]");
            }
            case "delete_group" -> result(admin.deleteConsumerGroups(Set.of(first)).all());
            case "start_transactional_producer" -> startTransactionalProducer();
            case "close" -> admin.close();
            default -> throw new IllegalArgumentException("no call: " + name);
        }
        return "null";
    }

    static String place(TopicPartition place) {
        return "[\"" + place.topic() + "\"," + place.partition() + "]";
    }

    private ConsumerGroupDescription describe(String group) {
        return result(admin.describeConsumerGroups(Set.of(group)).all()).get(group);
    }

    private static String listing(GroupListing group) {
        return "[\"" + group.groupId() + "\",\"" + letters(group.type()) + "\",\"" + letters(group.groupState()) + "\"]";
    }

    private void startTransactionalProducer() {
        Properties settings = new Properties();
        settings.putAll(common);
        settings.put("transactional.id", "one");
        settings.put("max.block.ms", String.valueOf(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS)));
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.initTransactions();
        }
    }

    /** A type or state in small letters and nothing else, as every client can say it. */
    private static String letters(Object name) {
        Object inner = name instanceof Optional<?> optional ? optional.orElse(null) : name;
        return String.valueOf(inner).toLowerCase(Locale.ROOT).replaceAll("[^a-z]", "");
    }

    private static <T> T result(KafkaFuture<T> future) {
        try {
            return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException | InterruptedException error) {
            throw new CompletionException(error);
        }
    }
}
