package main

import (
	"fmt"
	"strings"

	"github.com/IBM/sarama"

	"ottla/clients/program"
)

type admin struct {
	brokers []string
	client  sarama.ClusterAdmin
}

func (admin admin) Call(name string, arguments []string) (any, error) {
	switch name {
	case "create_topic":
		configs := map[string]*string{}
		for key, value := range program.Pairs(arguments[2:]) {
			configs[key] = &value
		}
		detail := sarama.TopicDetail{
			NumPartitions: int32(program.Number(arguments[1])), ReplicationFactor: 1, ConfigEntries: configs,
		}
		return nil, admin.client.CreateTopic(arguments[0], &detail, false)
	case "delete_topic":
		return nil, admin.client.DeleteTopic(arguments[0])
	case "grow_topic":
		return nil, admin.client.CreatePartitions(arguments[0], int32(program.Number(arguments[1])), nil, false)
	case "trim":
		return admin.trim(arguments[0], int32(program.Number(arguments[1])), program.Number(arguments[2]))
	case "topics":
		found, err := admin.client.ListTopics()
		topics := [][]any{}
		for name, topic := range found {
			topics = append(topics, []any{name, topic.NumPartitions})
		}
		return topics, err
	case "topic_configs":
		found, err := admin.client.DescribeConfig(
			sarama.ConfigResource{Type: sarama.TopicResource, Name: arguments[0]})
		configs := [][]any{}
		for _, config := range found {
			configs = append(configs, []any{config.Name, config.Value, config.Source != sarama.SourceTopic})
		}
		return configs, err
	case "set_topic_config":
		change := sarama.IncrementalAlterConfigsEntry{
			Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &arguments[2],
		}
		return nil, admin.client.IncrementalAlterConfig(sarama.TopicResource, arguments[0],
			map[string]sarama.IncrementalAlterConfigsEntry{arguments[1]: change}, false)
	case "groups":
		// It lists no types and no states.
		found, err := admin.client.ListConsumerGroups()
		groups := [][]any{}
		for name := range found {
			groups = append(groups, []any{name, nil, nil})
		}
		return groups, err
	case "group_state":
		found, err := admin.client.DescribeConsumerGroups(arguments)
		if err != nil {
			return nil, err
		}
		state := strings.ReplaceAll(strings.ToLower(found[0].State), " ", "")
		return []any{state, len(found[0].Members)}, nil
	case "group_offsets":
		return admin.groupOffsets(arguments[0])
	case "delete_group":
		return nil, admin.client.DeleteConsumerGroup(arguments[0])
	case "start_transactional_producer":
		return nil, admin.startTransactionalProducer()
	case "close":
		return nil, admin.client.Close()
	}
	return nil, program.NoCall(name)
}

// It does not tell where the partition begins then.
func (admin admin) trim(topic string, partition int32, offset int64) (any, error) {
	if err := admin.client.DeleteRecords(topic, map[int32]int64{partition: offset}); err != nil {
		return nil, err
	}
	client, err := sarama.NewClient(admin.brokers, common())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.GetOffset(topic, partition, sarama.OffsetOldest)
}

func (admin admin) groupOffsets(group string) (any, error) {
	found, err := admin.client.ListConsumerGroupOffsets(group, nil)
	if err != nil {
		return nil, err
	}
	offsets := [][]any{}
	for _, partitions := range found.Blocks {
		for partition, block := range partitions {
			offsets = append(offsets, []any{partition, block.Offset})
		}
	}
	return offsets, nil
}

func (admin admin) startTransactionalProducer() error {
	config := common()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Transaction.ID = "one"
	config.Net.MaxOpenRequests = 1
	client, err := sarama.NewAsyncProducer(admin.brokers, config)
	if err != nil {
		return fmt.Errorf("a transactional producer: %w", err)
	}
	return client.Close()
}
