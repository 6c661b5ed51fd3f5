package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"ottla/clients/program"
)

// A member of a group that writes in transactions, of which the offsets that it has read are part.
type transformer struct {
	*consumer
	session *kgo.GroupTransactSession
	sent    *kgo.FirstErrPromise
}

func (transformer *transformer) Call(name string, arguments []string) (any, error) {
	switch name {
	case "subscribe":
		return nil, transformer.subscribe(arguments[0])
	case "begin":
		transformer.sent = kgo.AbortingFirstErrPromise(transformer.client)
		return nil, transformer.session.Begin()
	case "send":
		planned := record(program.ReadRecord(arguments))
		transformer.session.Produce(context.Background(), planned, transformer.sent.Promise())
		return program.NoAnswer, nil
	case "end":
		return transformer.end(arguments[0] == "commit")
	case "close":
		if transformer.session != nil {
			transformer.session.Close()
		}
		return nil, nil
	}
	return transformer.consumer.Call(name, arguments)
}

func (transformer *transformer) subscribe(topic string) error {
	transformer.newClient = func(options ...kgo.Opt) (*kgo.Client, error) {
		session, err := kgo.NewGroupTransactSession(options...)
		if err != nil {
			return nil, err
		}
		transformer.session = session
		return session.Client(), takeOver(session.Client())
	}
	return transformer.consumer.subscribe(topic,
		kgo.TransactionalID(transformer.options["transactional_id"]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
}

// Whether the transaction was committed. When it was aborted, the session has gone back by itself to
// what is committed.
func (transformer *transformer) end(commit bool) (any, error) {
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// By itself the session drops what it has not sent before it aborts.
	if err := transformer.client.Flush(within); err != nil {
		return nil, err
	}
	sent := transformer.sent.Err() == nil
	return transformer.session.End(within, kgo.TransactionEndTry(commit && sent))
}
