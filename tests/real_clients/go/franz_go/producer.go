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
	if settings["transactional_id"] != "" {
		options = append(options, kgo.TransactionalID(settings["transactional_id"]))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	if settings["transactional_id"] != "" {
		if err := takeOver(client); err != nil {
			// Nobody has it, to close it later.
			client.Close()
			return nil, err
		}
	}
	return producer{client, throttled, program.NewOutcomes()}, nil
}

// By itself a client takes its transactional id over when it sends the first record.
func takeOver(client *kgo.Client) error {
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, _, err := client.ProducerID(within)
	return err
}

func (producer producer) Call(name string, arguments []string) (any, error) {
	switch name {
	case "send":
		producer.send(program.ReadRecord(arguments))
		return program.NoAnswer, nil
	case "outcomes":
		return producer.outcomes.Take(program.Milliseconds(arguments[0])), nil
	case "begin":
		return nil, producer.client.BeginTransaction()
	case "commit":
		return nil, producer.end(kgo.TryCommit)
	case "abort":
		return nil, producer.end(kgo.TryAbort)
	case "throttled_ms":
		return producer.throttled.longest.Load(), nil
	case "close":
		producer.client.Close()
		return nil, nil
	}
	return nil, program.NoCall(name)
}

func (producer producer) end(commit kgo.TransactionEndTry) error {
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := producer.client.Flush(within); err != nil {
		return err
	}
	return producer.client.EndTransaction(within, commit)
}

func (producer producer) send(planned program.Record) {
	producer.client.Produce(context.Background(), record(planned), func(record *kgo.Record, err error) {
		producer.outcomes.Add(planned.Tag, record.Offset, err)
	})
}

func record(planned program.Record) *kgo.Record {
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
	return record
}
