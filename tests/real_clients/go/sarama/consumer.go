package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"ottla/clients/program"
)

// What sarama does not say itself: it tells of commits that failed elsewhere, and later.
var errNotCommitted = errors.New("the offsets are not committed")

type consumer struct {
	options map[string]string
	topic   string
	client  sarama.Client
	admin   sarama.ClusterAdmin
	// Where those who read leave what they have read.
	records chan *sarama.ConsumerMessage
	stop    context.CancelFunc
	stopped context.Context
	readers *sync.WaitGroup

	lock    sync.Mutex
	session sarama.ConsumerGroupSession
}

func newConsumer(brokers []string, options map[string]string) (program.Client, error) {
	config := common()
	config.ClientID = "sarama-" + options["instance"]
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	config.Consumer.Retry.Backoff = 50 * time.Millisecond
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	config.Consumer.Group.InstanceId = options["instance"]
	switch options["assignor"] {
	case "range":
		config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	case "sticky":
		config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
	}
	client, err := sarama.NewClient(brokers, config)
	if err != nil {
		return nil, err
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	stopped, stop := context.WithCancel(context.Background())
	return &consumer{
		options: options, client: client, admin: admin, records: make(chan *sarama.ConsumerMessage),
		stop: stop, stopped: stopped, readers: &sync.WaitGroup{},
	}, err
}

func (consumer *consumer) Call(name string, arguments []string) (any, error) {
	switch name {
	case "subscribe":
		return nil, consumer.subscribe(arguments[0])
	case "assign":
		return nil, consumer.assign(arguments[0], program.Numbers(arguments[1:]))
	case "poll":
		return consumer.poll(program.Milliseconds(arguments[0])), nil
	case "assignment":
		return consumer.assignment(), nil
	case "commit":
		return nil, consumer.commit(string(program.Bytes(arguments[0])), program.Numbers(arguments[1:]))
	case "committed":
		return consumer.committed(arguments)
	case "ends":
		timestamps := map[int32]int64{}
		for _, partition := range arguments {
			timestamps[int32(program.Number(partition))] = sarama.OffsetNewest
		}
		return consumer.offsets(timestamps)
	case "offsets_for_time":
		return consumer.offsets(program.Numbers(arguments))
	case "close":
		consumer.stop()
		consumer.readers.Wait()
		return nil, consumer.client.Close()
	}
	return nil, program.NoCall(name)
}

func (consumer *consumer) subscribe(topic string) error {
	consumer.topic = topic
	group, err := sarama.NewConsumerGroupFromClient(consumer.options["group"], consumer.client)
	if err != nil {
		return err
	}
	consumer.readers.Go(func() {
		// A session ends with each rebalance, and with each broker.
		for consumer.stopped.Err() == nil {
			if group.Consume(consumer.stopped, []string{topic}, consumer) != nil {
				consumer.pause()
			}
		}
		_ = group.Close()
	})
	return nil
}

func (consumer *consumer) pause() {
	select {
	case <-time.After(50 * time.Millisecond):
	case <-consumer.stopped.Done():
	}
}

// Setup is called when a session begins.
func (consumer *consumer) Setup(session sarama.ConsumerGroupSession) error {
	consumer.lock.Lock()
	defer consumer.lock.Unlock()
	consumer.session = session
	return nil
}

// Cleanup is called when a session ends.
func (consumer *consumer) Cleanup(sarama.ConsumerGroupSession) error {
	consumer.lock.Lock()
	defer consumer.lock.Unlock()
	consumer.session = nil
	return nil
}

// ConsumeClaim reads a partition during a session.
func (consumer *consumer) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, more := <-claim.Messages():
			if !more {
				return nil
			}
			select {
			case consumer.records <- message:
			case <-session.Context().Done():
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func (consumer *consumer) assign(topic string, offsets map[int32]int64) error {
	consumer.topic = topic
	reader, err := sarama.NewConsumerFromClient(consumer.client)
	if err != nil {
		return err
	}
	for partition, offset := range offsets {
		claim, err := reader.ConsumePartition(topic, partition, offset)
		if errors.Is(err, sarama.ErrOffsetOutOfRange) {
			claim, err = reader.ConsumePartition(topic, partition, sarama.OffsetOldest)
		}
		if err != nil {
			return err
		}
		consumer.readers.Go(func() {
			defer claim.AsyncClose()
			for {
				select {
				case message, more := <-claim.Messages():
					if !more {
						return
					}
					select {
					case consumer.records <- message:
					case <-consumer.stopped.Done():
						return
					}
				case <-consumer.stopped.Done():
					return
				}
			}
		})
	}
	return nil
}

func (consumer *consumer) poll(longest time.Duration) any {
	records := [][]any{}
	for len(records) < 500 {
		select {
		case message := <-consumer.records:
			records = append(records, record(message))
			// What comes at once comes along.
			longest = time.Millisecond
		case <-time.After(longest):
			return records
		}
	}
	return records
}

func record(message *sarama.ConsumerMessage) []any {
	headers := [][]any{}
	for _, header := range message.Headers {
		headers = append(headers, []any{header.Key, header.Value})
	}
	// Its consumer does not tell what the timestamp is of.
	return []any{message.Partition, message.Offset, message.Key, message.Value, headers,
		message.Timestamp.UnixMilli(), nil}
}

func (consumer *consumer) current() sarama.ConsumerGroupSession {
	consumer.lock.Lock()
	defer consumer.lock.Unlock()
	return consumer.session
}

func (consumer *consumer) assignment() [][]any {
	places := [][]any{}
	if session := consumer.current(); session != nil {
		for topic, partitions := range session.Claims() {
			for _, partition := range partitions {
				places = append(places, []any{topic, partition})
			}
		}
	}
	return places
}

func (consumer *consumer) commit(metadata string, offsets map[int32]int64) error {
	session := consumer.current()
	if session == nil {
		return errNotCommitted
	}
	partitions := []int32{}
	for partition, offset := range offsets {
		// One of them goes forth only, the other back only.
		session.MarkOffset(consumer.topic, partition, offset, metadata)
		session.ResetOffset(consumer.topic, partition, offset, metadata)
		partitions = append(partitions, partition)
	}
	session.Commit()
	found, err := consumer.admin.ListConsumerGroupOffsets(
		consumer.options["group"], map[string][]int32{consumer.topic: partitions})
	if err != nil {
		return err
	}
	for partition, offset := range offsets {
		if block := found.GetBlock(consumer.topic, partition); block == nil || block.Offset != offset {
			return errNotCommitted
		}
	}
	return nil
}

func (consumer *consumer) committed(words []string) (any, error) {
	partitions := []int32{}
	for _, word := range words {
		partitions = append(partitions, int32(program.Number(word)))
	}
	found, err := consumer.admin.ListConsumerGroupOffsets(
		consumer.options["group"], map[string][]int32{consumer.topic: partitions})
	if err != nil {
		return nil, err
	}
	places := [][]any{}
	for _, partition := range partitions {
		block := found.GetBlock(consumer.topic, partition)
		if block == nil || block.Err != sarama.ErrNoError {
			return nil, errNotCommitted
		}
		if block.Offset >= 0 {
			places = append(places, []any{partition, []any{block.Offset, []byte(block.Metadata)}})
		} else {
			places = append(places, []any{partition, []any{nil, ""}})
		}
	}
	return places, nil
}

func (consumer *consumer) offsets(timestamps map[int32]int64) (any, error) {
	places := [][]any{}
	for partition, timestamp := range timestamps {
		offset, err := consumer.client.GetOffset(consumer.topic, partition, timestamp)
		if err != nil {
			return nil, err
		}
		var found any
		if offset >= 0 {
			found = offset
		}
		places = append(places, []any{partition, found})
	}
	return places, nil
}
