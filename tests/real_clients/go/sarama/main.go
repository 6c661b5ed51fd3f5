// The program around sarama.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/IBM/sarama"

	"ottla/clients/program"
)

// How long a call may take that ought to end at once.
const patience = 60 * time.Second

// sarama has no names of errors; these are the ones that tests ask for.
var names = map[sarama.KError]string{
	sarama.ErrMessageSizeTooLarge:                "MESSAGE_TOO_LARGE",
	sarama.ErrInvalidTopic:                       "INVALID_TOPIC_EXCEPTION",
	sarama.ErrInvalidConfig:                      "INVALID_CONFIG",
	sarama.ErrInvalidPartitions:                  "INVALID_PARTITIONS",
	sarama.ErrOffsetOutOfRange:                   "OFFSET_OUT_OF_RANGE",
	sarama.ErrTopicAlreadyExists:                 "TOPIC_ALREADY_EXISTS",
	sarama.ErrTransactionalIDAuthorizationFailed: "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
	sarama.ErrInvalidRequest:                     "INVALID_REQUEST",
}

// What a broker that starts, or a group on the move, answers for a while.
var passing = []error{
	sarama.ErrOutOfBrokers, sarama.ErrNotConnected, sarama.ErrClosedClient, io.EOF, errNotCommitted,
	sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer,
	sarama.ErrOffsetsLoadInProgress, sarama.ErrRebalanceInProgress, sarama.ErrIllegalGeneration,
	sarama.ErrUnknownMemberId, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition,
	sarama.ErrRequestTimedOut,
}

type library struct {
	brokers []string
}

func main() {
	program.Run(library{[]string{program.Pairs(os.Args[1:])["bootstrap"]}})
}

func (library library) Make(kind string, options map[string]string) (program.Client, error) {
	switch kind {
	case "producer":
		return newProducer(library.brokers, options)
	case "consumer":
		return newConsumer(library.brokers, options)
	case "admin":
		client, err := sarama.NewClusterAdmin(library.brokers, common())
		return admin{library.brokers, client}, err
	}
	return nil, fmt.Errorf("no client: %s", kind)
}

func common() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Metadata.RefreshFrequency = 2 * time.Second
	config.Metadata.Retry.Backoff = 50 * time.Millisecond
	// A broker that is killed comes back, however often it was asked meanwhile.
	config.Metadata.Retry.Max = int(patience / config.Metadata.Retry.Backoff)
	return config
}

func (library) Judge(err error) (string, bool) {
	var network net.Error
	passes := errors.As(err, &network)
	for _, other := range passing {
		passes = passes || errors.Is(err, other)
	}
	var known sarama.KError
	if errors.As(err, &known) {
		if name, exists := names[known]; exists {
			return name, passes
		}
		return fmt.Sprintf("error %d", int16(known)), passes
	}
	return "", passes
}
