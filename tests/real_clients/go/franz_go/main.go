// The program around franz-go.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"ottla/clients/program"
)

// How long a call may take that ought to end at once.
const patience = 60 * time.Second

// The highest versions that brod, the client of Erlang and Elixir, asks for, by the keys of the APIs.
var brod = map[int16]int16{
	0:  7,  // Produce
	1:  10, // Fetch
	2:  2,  // ListOffsets
	3:  2,  // Metadata
	8:  2,  // OffsetCommit
	9:  2,  // OffsetFetch
	10: 0,  // FindCoordinator
	11: 6,  // JoinGroup
	12: 0,  // Heartbeat
	13: 0,  // LeaveGroup
	14: 0,  // SyncGroup
	15: 0,  // DescribeGroups
	16: 0,  // ListGroups
}

type library struct {
	common []kgo.Opt
}

func main() {
	options := program.Pairs(os.Args[1:])
	common := []kgo.Opt{
		kgo.SeedBrokers(options["bootstrap"]),
		kgo.MetadataMaxAge(2 * time.Second),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		// A broker that is killed comes back, however often it was asked meanwhile.
		kgo.RequestRetries(10_000),
		kgo.RetryTimeout(patience),
		// A connection that is closed before its first answer is a kill as well, and no missing password.
		kgo.AlwaysRetryEOF(),
	}
	if options["versions"] == "brod" {
		versions := kversion.Stable()
		for key, version := range brod {
			versions.SetMaxKeyVersion(key, version)
		}
		common = append(common, kgo.MaxVersions(versions))
	}
	program.Run(library{common})
}

func (library library) Make(kind string, options map[string]string) (program.Client, error) {
	switch kind {
	case "producer":
		return newProducer(library.common, options)
	case "consumer":
		return newConsumer(library.common, options), nil
	case "transformer":
		return &transformer{consumer: newConsumer(library.common, options)}, nil
	case "admin":
		return newAdmin(library.common)
	}
	return nil, fmt.Errorf("no client: %s", kind)
}

func (library) Judge(err error) (string, bool) {
	// A broker that is away refuses connections.
	var network *net.OpError
	passing := kerr.IsRetriable(err) || kgo.IsRetryableBrokerErr(err) ||
		errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) ||
		errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.StaleMemberEpoch) ||
		errors.Is(err, kerr.FencedMemberEpoch)
	var known *kerr.Error
	if errors.As(err, &known) {
		return known.Message, passing
	}
	return "", passing
}

// The longest time in milliseconds for which brokers have throttled a client, of which it is told.
type throttled struct {
	longest atomic.Int64
}

func (throttled *throttled) OnBrokerThrottle(_ kgo.BrokerMetadata, interval time.Duration, _ bool) {
	// One connection is throttled at a time here.
	throttled.longest.Store(max(throttled.longest.Load(), interval.Milliseconds()))
}
