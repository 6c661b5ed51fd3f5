package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ottla/clients/program"
)

type place struct {
	topic     string
	partition int32
}

// A client of kgo is told what it reads when it is made, so it is made late.
type consumer struct {
	common    []kgo.Opt
	options   map[string]string
	newClient func(...kgo.Opt) (*kgo.Client, error)
	topic     string
	client    *kgo.Client
	throttled throttled

	lock  sync.Mutex
	owned map[place]bool
}

func newConsumer(common []kgo.Opt, options map[string]string) *consumer {
	return &consumer{common: common, options: options, newClient: kgo.NewClient, owned: map[place]bool{}}
}

func (consumer *consumer) Call(name string, arguments []string) (any, error) {
	switch name {
	case "subscribe":
		return nil, consumer.subscribe(arguments[0])
	case "subscribe_to_pattern":
		return nil, consumer.subscribe(arguments[0], kgo.ConsumeRegex())
	case "assign":
		return nil, consumer.assign(arguments[0], program.Numbers(arguments[1:]))
	case "poll":
		return consumer.poll(program.Milliseconds(arguments[0]))
	case "assignment":
		return consumer.assignment(), nil
	case "commit":
		return nil, consumer.commit(string(program.Bytes(arguments[0])), program.Numbers(arguments[1:]))
	case "committed":
		return consumer.committed(arguments)
	case "ends":
		return consumer.ends(arguments)
	case "offsets_for_time":
		return consumer.offsetsForTime(program.Numbers(arguments))
	case "throttled_ms":
		return consumer.throttled.longest.Load(), nil
	case "close":
		if consumer.client != nil {
			consumer.client.Close()
		}
		return nil, nil
	}
	return nil, program.NoCall(name)
}

func (consumer *consumer) subscribe(topic string, more ...kgo.Opt) error {
	consumer.topic = topic
	balancers := map[string]kgo.GroupBalancer{
		"range":              kgo.RangeBalancer(),
		"uniform":            kgo.CooperativeStickyBalancer(),
		"cooperative-sticky": kgo.CooperativeStickyBalancer(),
	}
	options := append([]kgo.Opt{
		kgo.ConsumerGroup(consumer.options["group"]),
		kgo.ConsumeTopics(topic),
		kgo.Balancers(balancers[consumer.options["assignor"]]),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(consumer.given),
		kgo.OnPartitionsRevoked(consumer.taken),
		kgo.OnPartitionsLost(consumer.taken),
	}, more...)
	if consumer.options["protocol"] == "consumer" {
		options = append(options, kgo.ServerSideBalancer())
	} else {
		session := 10 * time.Second
		if milliseconds := consumer.options["session_timeout_ms"]; milliseconds != "" {
			session = program.Milliseconds(milliseconds)
		}
		options = append(options, kgo.SessionTimeout(session), kgo.HeartbeatInterval(500*time.Millisecond))
	}
	if instance := consumer.options["instance"]; instance != "" {
		options = append(options, kgo.InstanceID(instance))
	}
	return consumer.connect(options...)
}

func (consumer *consumer) assign(topic string, offsets map[int32]int64) error {
	consumer.topic = topic
	positions := map[int32]kgo.Offset{}
	for partition, offset := range offsets {
		positions[partition] = kgo.NewOffset().At(offset)
	}
	return consumer.connect(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: positions}))
}

func (consumer *consumer) connect(options ...kgo.Opt) error {
	options = append(options,
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ClientID(consumer.options["client_id"]),
		kgo.WithHooks(&consumer.throttled))
	if consumer.committedOnly() {
		options = append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	client, err := consumer.newClient(append(options, consumer.common...)...)
	consumer.client = client
	return err
}

func (consumer *consumer) committedOnly() bool {
	return consumer.options["isolation"] == "read_committed"
}

func (consumer *consumer) given(_ context.Context, _ *kgo.Client, places map[string][]int32) {
	consumer.own(places, true)
}

func (consumer *consumer) taken(_ context.Context, _ *kgo.Client, places map[string][]int32) {
	consumer.own(places, false)
}

func (consumer *consumer) own(places map[string][]int32, owned bool) {
	consumer.lock.Lock()
	defer consumer.lock.Unlock()
	for topic, partitions := range places {
		for _, partition := range partitions {
			if owned {
				consumer.owned[place{topic, partition}] = true
			} else {
				delete(consumer.owned, place{topic, partition})
			}
		}
	}
}

func (consumer *consumer) assignment() [][]any {
	consumer.lock.Lock()
	defer consumer.lock.Unlock()
	places := [][]any{}
	for place := range consumer.owned {
		places = append(places, []any{place.topic, place.partition})
	}
	return places
}

func (consumer *consumer) poll(longest time.Duration) (any, error) {
	within, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	most := 500
	if consumer.options["records_max"] != "" {
		most = int(program.Number(consumer.options["records_max"]))
	}
	fetches := consumer.client.PollRecords(within, most)
	for _, failed := range fetches.Errors() {
		if !errors.Is(failed.Err, context.DeadlineExceeded) {
			return nil, failed.Err
		}
	}
	records := [][]any{}
	fetches.EachRecord(func(record *kgo.Record) {
		headers := [][]any{}
		for _, header := range record.Headers {
			headers = append(headers, []any{[]byte(header.Key), header.Value})
		}
		timestampType := map[int8]string{0: "CreateTime", 1: "LogAppendTime"}[record.Attrs.TimestampType()]
		records = append(records, []any{record.Partition, record.Offset, record.Key, record.Value,
			headers, record.Timestamp.UnixMilli(), timestampType})
	})
	return records, nil
}

func (consumer *consumer) commit(metadata string, positions map[int32]int64) error {
	offsets := map[int32]kgo.EpochOffset{}
	for partition, offset := range positions {
		offsets[partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// By itself it commits its member id as metadata.
	within = kgo.PreCommitFnContext(within, func(request *kmsg.OffsetCommitRequest) error {
		for _, topic := range request.Topics {
			for index := range topic.Partitions {
				topic.Partitions[index].Metadata = &metadata
			}
		}
		return nil
	})
	var failed error
	done := func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
		failed = err
		if response == nil {
			return
		}
		for _, topic := range response.Topics {
			for _, partition := range topic.Partitions {
				failed = errors.Join(failed, kerr.ErrorForCode(partition.ErrorCode))
			}
		}
	}
	consumer.client.CommitOffsetsSync(within, map[string]map[int32]kgo.EpochOffset{consumer.topic: offsets}, done)
	return failed
}

func (consumer *consumer) committed(partitions []string) (any, error) {
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found, err := kadm.NewClient(consumer.client).FetchOffsets(within, consumer.options["group"])
	if err != nil {
		return nil, err
	}
	places := [][]any{}
	for _, word := range partitions {
		partition := int32(program.Number(word))
		offset, exists := found.Lookup(consumer.topic, partition)
		if offset.Err != nil {
			return nil, offset.Err
		}
		if exists && offset.At >= 0 {
			places = append(places, []any{partition, []any{offset.At, []byte(offset.Metadata)}})
		} else {
			places = append(places, []any{partition, []any{nil, ""}})
		}
	}
	return places, nil
}

func (consumer *consumer) ends(partitions []string) (any, error) {
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	admin := kadm.NewClient(consumer.client)
	list := admin.ListEndOffsets
	if consumer.committedOnly() {
		list = admin.ListCommittedOffsets
	}
	found, err := list(within, consumer.topic)
	if err != nil {
		return nil, err
	}
	places := [][]any{}
	for _, word := range partitions {
		partition := int32(program.Number(word))
		offset, _ := found.Lookup(consumer.topic, partition)
		if offset.Err != nil {
			return nil, offset.Err
		}
		places = append(places, []any{partition, offset.Offset})
	}
	return places, nil
}

// Asked directly: where no record is late enough, kadm answers with the end.
func (consumer *consumer) offsetsForTime(timestamps map[int32]int64) (any, error) {
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request := kmsg.NewPtrListOffsetsRequest()
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = consumer.topic
	for partition, timestamp := range timestamps {
		asked := kmsg.NewListOffsetsRequestTopicPartition()
		asked.Partition, asked.Timestamp = partition, timestamp
		topic.Partitions = append(topic.Partitions, asked)
	}
	request.Topics = append(request.Topics, topic)
	places := [][]any{}
	for _, shard := range consumer.client.RequestSharded(within, request) {
		if shard.Err != nil {
			return nil, shard.Err
		}
		for _, topic := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, found := range topic.Partitions {
				if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
					return nil, err
				}
				var offset any
				if found.Offset >= 0 {
					offset = found.Offset
				}
				places = append(places, []any{found.Partition, offset})
			}
		}
	}
	return places, nil
}
