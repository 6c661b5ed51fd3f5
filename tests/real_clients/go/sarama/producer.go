package main

import (
	"sync"
	"time"

	"github.com/IBM/sarama"

	"ottla/clients/program"
)

type producer struct {
	client   sarama.AsyncProducer
	outcomes program.Outcomes
	ended    *sync.WaitGroup
}

func newProducer(brokers []string, options map[string]string) (program.Client, error) {
	config := common()
	codec := sarama.CompressionNone
	if err := codec.UnmarshalText([]byte(options["codec"])); err != nil {
		return nil, err
	}
	config.Producer.Compression = codec
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.MaxMessageBytes = int(program.Number(options["request_bytes_max"]))
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Producer.Return.Successes = true
	config.Producer.Retry.Backoff = 50 * time.Millisecond
	config.Producer.Retry.Max = int(4 * patience / config.Producer.Retry.Backoff)
	if options["idempotent"] == "true" {
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
	}
	client, err := sarama.NewAsyncProducer(brokers, config)
	if err != nil {
		return nil, err
	}
	producer := producer{client, program.NewOutcomes(), &sync.WaitGroup{}}
	producer.ended.Go(func() {
		for message := range client.Successes() {
			producer.outcomes.Add(message.Metadata.(int), message.Offset, nil)
		}
	})
	producer.ended.Go(func() {
		for failed := range client.Errors() {
			producer.outcomes.Add(failed.Msg.Metadata.(int), -1, failed.Err)
		}
	})
	return producer, nil
}

func (producer producer) Call(name string, arguments []string) (any, error) {
	switch name {
	case "send":
		producer.send(program.ReadRecord(arguments))
		return program.NoAnswer, nil
	case "outcomes":
		return producer.outcomes.Take(program.Milliseconds(arguments[0])), nil
	case "close":
		producer.client.AsyncClose()
		producer.ended.Wait()
		return nil, nil
	}
	return nil, program.NoCall(name)
}

func (producer producer) send(planned program.Record) {
	message := &sarama.ProducerMessage{
		Topic:     planned.Topic,
		Partition: planned.Partition,
		Timestamp: planned.Timestamp,
		Metadata:  planned.Tag,
	}
	if planned.Key != nil {
		message.Key = sarama.ByteEncoder(planned.Key)
	}
	if planned.Value != nil {
		message.Value = sarama.ByteEncoder(planned.Value)
	}
	for _, header := range planned.Headers {
		message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(header.Name), Value: header.Value})
	}
	producer.client.Input() <- message
}
