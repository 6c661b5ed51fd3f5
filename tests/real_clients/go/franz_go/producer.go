package main

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ottla/clients/program"
)

type producer struct {
	client    *kgo.Client
	throttled *throttled
	outcomes  program.Outcomes
}

func newProducer(common []kgo.Opt, settings map[string]string) (program.Client, error) {
	codecs := map[string]kgo.CompressionCodec{
		"none":   kgo.NoCompression(),
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}
	throttled := &throttled{}
	options := append([]kgo.Opt{
		kgo.ClientID(settings["client_id"]),
		kgo.WithHooks(throttled),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(codecs[settings["codec"]]),
		kgo.ProducerBatchMaxBytes(int32(program.Number(settings["request_bytes_max"]))),
		kgo.ProducerLinger(5 * time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, common...)
	if settings["idempotent"] != "true" {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(options...)
	return producer{client, throttled, program.NewOutcomes()}, err
}

func (producer producer) Call(name string, arguments []string) (any, error) {
	switch name {
	case "send":
		producer.send(program.ReadRecord(arguments))
		return program.NoAnswer, nil
	case "outcomes":
		return producer.outcomes.Take(program.Milliseconds(arguments[0])), nil
	case "throttled_ms":
		return producer.throttled.longest.Load(), nil
	case "close":
		producer.client.Close()
		return nil, nil
	}
	return nil, program.NoCall(name)
}

func (producer producer) send(planned program.Record) {
	record := &kgo.Record{
		Topic:     planned.Topic,
		Partition: planned.Partition,
		Timestamp: planned.Timestamp,
		Key:       planned.Key,
		Value:     planned.Value,
	}
	for _, header := range planned.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
	}
	producer.client.Produce(context.Background(), record, func(record *kgo.Record, err error) {
		producer.outcomes.Add(planned.Tag, record.Offset, err)
	})
}
