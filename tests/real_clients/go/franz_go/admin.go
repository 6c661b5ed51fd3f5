package main

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ottla/clients/program"
)

type admin struct {
	common    []kgo.Opt
	requestor *kgo.Client
	client    *kadm.Client
}

func newAdmin(common []kgo.Opt) (program.Client, error) {
	client, err := kgo.NewClient(common...)
	if err != nil {
		return nil, err
	}
	return admin{common, client, kadm.NewClient(client)}, nil
}

func (admin admin) Call(name string, arguments []string) (any, error) {
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch name {
	case "create_topic":
		configs := map[string]*string{}
		for key, value := range program.Pairs(arguments[2:]) {
			configs[key] = &value
		}
		_, err := admin.client.CreateTopic(within, int32(program.Number(arguments[1])), 1, configs, arguments[0])
		return nil, err
	case "delete_topic":
		_, err := admin.client.DeleteTopic(within, arguments[0])
		return nil, err
	case "grow_topic":
		return nil, admin.growTopic(within, arguments[0], int(program.Number(arguments[1])))
	case "trim":
		return admin.trim(within, arguments[0], int32(program.Number(arguments[1])), program.Number(arguments[2]))
	case "topics":
		return admin.topics(within)
	case "topic_configs":
		return admin.topicConfigs(within, arguments[0])
	case "set_topic_config":
		return nil, admin.setTopicConfig(within, arguments[0], arguments[1], arguments[2])
	case "groups":
		return admin.groups(within)
	case "group_state":
		return admin.groupState(within, arguments[0])
	case "shares":
		return admin.shares(within, arguments[0])
	case "group_offsets":
		return admin.groupOffsets(within, arguments[0])
	case "delete_group":
		_, err := admin.client.DeleteGroup(within, arguments[0])
		return nil, err
	case "start_transactional_producer":
		return nil, admin.startTransactionalProducer(within)
	case "close":
		admin.client.Close()
		return nil, nil
	}
	return nil, program.NoCall(name)
}

func (admin admin) growTopic(within context.Context, topic string, partitions int) error {
	grown, err := admin.client.UpdatePartitions(within, partitions, topic)
	if err != nil {
		return err
	}
	return grown[topic].Err
}

func (admin admin) trim(within context.Context, topic string, partition int32, offset int64) (any, error) {
	before := kadm.Offsets{}
	before.Add(kadm.Offset{Topic: topic, Partition: partition, At: offset})
	trimmed, err := admin.client.DeleteRecords(within, before)
	if err != nil {
		return nil, err
	}
	answer, _ := trimmed.Lookup(topic, partition)
	return answer.LowWatermark, answer.Err
}

// Asked directly: kadm answers from what the client remembers, which may lack a topic that has just grown.
func (admin admin) topics(within context.Context) (any, error) {
	answer, err := kmsg.NewPtrMetadataRequest().RequestWith(within, admin.requestor)
	if err != nil {
		return nil, err
	}
	topics := [][]any{}
	for _, topic := range answer.Topics {
		topics = append(topics, []any{*topic.Topic, len(topic.Partitions)})
	}
	return topics, nil
}

func (admin admin) topicConfigs(within context.Context, topic string) (any, error) {
	found, err := admin.client.DescribeTopicConfigs(within, topic)
	if err != nil {
		return nil, err
	}
	configs := [][]any{}
	for _, config := range found[0].Configs {
		byDefault := config.Source != kmsg.ConfigSourceDynamicTopicConfig
		configs = append(configs, []any{config.Key, config.MaybeValue(), byDefault})
	}
	return configs, found[0].Err
}

func (admin admin) setTopicConfig(within context.Context, topic, name, value string) error {
	change := kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value}
	altered, err := admin.client.AlterTopicConfigs(within, []kadm.AlterConfig{change}, topic)
	if err != nil {
		return err
	}
	return altered[0].Err
}

func (admin admin) groups(within context.Context) (any, error) {
	found, err := admin.client.ListGroups(within)
	if err != nil {
		return nil, err
	}
	groups := [][]any{}
	for _, group := range found {
		groups = append(groups, []any{group.Group, letters(group.GroupType), letters(group.State)})
	}
	return groups, nil
}

func (admin admin) groupState(within context.Context, name string) (any, error) {
	described, err := admin.client.DescribeConsumerGroups(within, name)
	if group, exists := described[name]; err == nil && exists && group.Err == nil {
		return []any{letters(group.State), len(group.Members)}, nil
	}
	// One on the classic protocol has a description of its own.
	classic, err := admin.client.DescribeGroups(within, name)
	if err != nil {
		return nil, err
	}
	group := classic[name]
	return []any{letters(group.State), len(group.Members)}, group.Err
}

func (admin admin) shares(within context.Context, name string) (any, error) {
	described, err := admin.client.DescribeConsumerGroups(within, name)
	if err != nil {
		return nil, err
	}
	shares := [][][]any{}
	for _, member := range described[name].Members {
		share := [][]any{}
		for topic, partitions := range member.Assignment {
			for partition := range partitions {
				share = append(share, []any{topic, partition})
			}
		}
		shares = append(shares, share)
	}
	return shares, described[name].Err
}

func (admin admin) groupOffsets(within context.Context, group string) (any, error) {
	found, err := admin.client.FetchOffsets(within, group)
	if err != nil {
		return nil, err
	}
	offsets := [][]any{}
	for _, partitions := range found {
		for partition, offset := range partitions {
			offsets = append(offsets, []any{partition, offset.At})
		}
	}
	return offsets, found.Error()
}

func (admin admin) startTransactionalProducer(within context.Context) error {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.TransactionalID("one")}, admin.common...)...)
	if err != nil {
		return err
	}
	defer client.Close()
	_, _, err = client.ProducerID(within)
	return err
}

// A type or state in small letters and nothing else, as every client can say it.
func letters(name string) string {
	return strings.Map(func(letter rune) rune {
		if letter < 'a' || letter > 'z' {
			return -1
		}
		return letter
	}, strings.ToLower(name))
}
