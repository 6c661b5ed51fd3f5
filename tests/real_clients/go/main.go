// One consumer that does what it is told: a line of words on standard input is a call, and each is
// answered by a line of JSON on standard output. When the input ends before "close" was called, the
// process dies as if it had been killed, and leaves no group.
//
// tests/real_clients/python/member_process.py is the other side.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// How long a call may take that ought to end at once.
const patience = 60 * time.Second

type member struct {
	options map[string]string
	topic   string
	client  *kgo.Client

	lock  sync.Mutex
	owned map[string]map[int32]bool
}

func main() {
	member := &member{options: pairs(os.Args[1:]), owned: map[string]map[int32]bool{}}
	fmt.Println(answer("ready", nil))
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		words := strings.Split(input.Text(), " ")
		fmt.Println(answer(member.call(words[0], words[1:])))
		if words[0] == "close" {
			return
		}
	}
	os.Exit(1)
}

// The line that answers a call. An error goes to the caller, with whether trying again may help.
func answer(value any, err error) string {
	line := map[string]any{"value": value}
	if err != nil {
		line = map[string]any{"error": []byte(err.Error()), "passing": isPassing(err)}
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func isPassing(err error) bool {
	return kerr.IsRetriable(err) || kgo.IsRetryableBrokerErr(err) ||
		errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) ||
		errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.StaleMemberEpoch) ||
		errors.Is(err, kerr.FencedMemberEpoch)
}

func (member *member) call(name string, arguments []string) (any, error) {
	switch name {
	case "subscribe":
		return nil, member.subscribe(arguments[0])
	case "subscribe_to_pattern":
		return nil, member.subscribe(arguments[0], kgo.ConsumeRegex())
	case "assign":
		// It reads nothing then; who assigns here only asks what is committed.
		member.topic = arguments[0]
		return nil, member.connect()
	case "poll":
		milliseconds, err := strconv.Atoi(arguments[0])
		if err != nil {
			return nil, err
		}
		return member.poll(time.Duration(milliseconds) * time.Millisecond)
	case "assignment":
		return member.assignment(), nil
	case "commit":
		return nil, member.commit(arguments[0], arguments[1:])
	case "committed":
		return member.committed(arguments)
	case "close":
		if member.client != nil {
			member.client.Close()
		}
		return nil, nil
	}
	return nil, fmt.Errorf("no call: %s", name)
}

// A client of kgo is told its subscription when it is made.
func (member *member) subscribe(topic string, more ...kgo.Opt) error {
	member.topic = topic
	balancers := map[string]kgo.GroupBalancer{
		"range":              kgo.RangeBalancer(),
		"uniform":            kgo.CooperativeStickyBalancer(),
		"cooperative-sticky": kgo.CooperativeStickyBalancer(),
	}
	options := append([]kgo.Opt{
		kgo.ConsumerGroup(member.options["group"]),
		kgo.ConsumeTopics(topic),
		kgo.Balancers(balancers[member.options["assignor"]]),
		kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.MetadataMaxAge(2 * time.Second),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.OnPartitionsAssigned(member.given),
		kgo.OnPartitionsRevoked(member.taken),
		kgo.OnPartitionsLost(member.taken),
	}, more...)
	if member.options["protocol"] == "consumer" {
		options = append(options, kgo.ServerSideBalancer())
	} else {
		options = append(options, kgo.SessionTimeout(10*time.Second), kgo.HeartbeatInterval(500*time.Millisecond))
	}
	if instance := member.options["instance"]; instance != "" {
		options = append(options, kgo.InstanceID(instance))
	}
	return member.connect(options...)
}

func (member *member) connect(options ...kgo.Opt) error {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(member.options["bootstrap"]))...)
	member.client = client
	return err
}

func (member *member) given(_ context.Context, _ *kgo.Client, places map[string][]int32) {
	member.own(places, true)
}

func (member *member) taken(_ context.Context, _ *kgo.Client, places map[string][]int32) {
	member.own(places, false)
}

func (member *member) own(places map[string][]int32, owned bool) {
	member.lock.Lock()
	defer member.lock.Unlock()
	for topic, partitions := range places {
		if member.owned[topic] == nil {
			member.owned[topic] = map[int32]bool{}
		}
		for _, partition := range partitions {
			if owned {
				member.owned[topic][partition] = true
			} else {
				delete(member.owned[topic], partition)
			}
		}
	}
}

func (member *member) assignment() [][]any {
	member.lock.Lock()
	defer member.lock.Unlock()
	places := [][]any{}
	for topic, partitions := range member.owned {
		for partition := range partitions {
			places = append(places, []any{topic, partition})
		}
	}
	return places
}

func (member *member) poll(longest time.Duration) (any, error) {
	within, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	fetches := member.client.PollRecords(within, 500)
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
		records = append(records, []any{record.Partition, record.Offset, record.Key, record.Value,
			headers, record.Timestamp.UnixMilli()})
	})
	return records, nil
}

func (member *member) commit(encoded string, words []string) error {
	noted, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	metadata := string(noted)
	offsets := map[int32]kgo.EpochOffset{}
	for partition, offset := range pairs(words) {
		number, err := strconv.ParseInt(partition, 10, 32)
		if err != nil {
			return err
		}
		position, err := strconv.ParseInt(offset, 10, 64)
		if err != nil {
			return err
		}
		offsets[int32(number)] = kgo.EpochOffset{Epoch: -1, Offset: position}
	}
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// By itself it commits its member id as metadata.
	within = kgo.PreCommitFnContext(within, func(request *kmsg.OffsetCommitRequest) error {
		for topic := range request.Topics {
			for partition := range request.Topics[topic].Partitions {
				request.Topics[topic].Partitions[partition].Metadata = &metadata
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
	member.client.CommitOffsetsSync(within, map[string]map[int32]kgo.EpochOffset{member.topic: offsets}, done)
	return failed
}

func (member *member) committed(partitions []string) (any, error) {
	within, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found, err := kadm.NewClient(member.client).FetchOffsets(within, member.options["group"])
	if err != nil {
		return nil, err
	}
	places := [][]any{}
	for _, word := range partitions {
		partition, err := strconv.ParseInt(word, 10, 32)
		if err != nil {
			return nil, err
		}
		offset, exists := found.Lookup(member.topic, int32(partition))
		if offset.Err != nil {
			return nil, offset.Err
		}
		if exists && offset.At >= 0 {
			places = append(places, []any{partition, offset.At, []byte(offset.Metadata)})
		} else {
			places = append(places, []any{partition, nil, ""})
		}
	}
	return places, nil
}

func pairs(words []string) map[string]string {
	pairs := map[string]string{}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		pairs[key] = value
	}
	return pairs
}
