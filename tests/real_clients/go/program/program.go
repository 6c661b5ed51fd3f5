// Package program has what the programs around the clients of Go share: producers, consumers and
// administrators that do what they are told. tests/real_clients/README.md describes the language;
// python/process_client.py is the other side.
package program

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Client is one that was made: a producer, a consumer or an administrator.
type Client interface {
	Call(name string, arguments []string) (any, error)
}

// Library is what a program is about.
type Library interface {
	// Make makes a client of this kind.
	Make(kind string, options map[string]string) (Client, error)
	// Judge has an error's name in Kafka, if it has one, and tells whether trying again may help.
	Judge(err error) (name string, passing bool)
}

type noAnswer struct{}

// NoAnswer is the value of a call that nobody waits for.
var NoAnswer = noAnswer{}

var (
	library Library
	output  sync.Mutex
)

// Run serves standard input until it ends. Then the process dies as if it had been killed: no group
// is left, nothing is flushed.
func Run(of Library) {
	library = of
	answer("0", "ready", nil)
	clients := map[string]chan []string{}
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			os.Exit(1)
		}
		words := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		number := words[0]
		if clients[number] == nil {
			// Whoever sends records does not wait for each.
			clients[number] = make(chan []string, 1_000)
			go serve(number, clients[number])
		}
		clients[number] <- words[1:]
	}
}

// The life of a client: its first call makes it, its last one is "close".
func serve(number string, calls <-chan []string) {
	var client Client
	for words := range calls {
		var value any
		var err error
		if client == nil {
			client, err = library.Make(words[0], Pairs(words[1:]))
		} else {
			value, err = client.Call(words[0], words[1:])
		}
		if value != NoAnswer || err != nil {
			answer(number, value, err)
		}
	}
}

func answer(number string, value any, err error) {
	line := map[string]any{"client": json.RawMessage(number), "value": value}
	if err != nil {
		name, passing := library.Judge(err)
		delete(line, "value")
		line["error"], line["name"], line["passing"] = []byte(err.Error()), Name(name), passing
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(text))
}

// Name is a name as JSON has it: null when there is none.
func Name(name string) any {
	if name == "" {
		return nil
	}
	return name
}

// NoCall is the error of a call that does not exist.
func NoCall(name string) error {
	return fmt.Errorf("no call: %s", name)
}

// Record is a record to be sent, out of the words of "send".
type Record struct {
	Topic      string
	Partition  int32
	Timestamp  time.Time
	Tag        int
	Key, Value []byte
	Headers    []Header
}

// Header is a header of a record to be sent.
type Header struct {
	Name  string
	Value []byte
}

// ReadRecord reads the words of "send".
func ReadRecord(words []string) Record {
	record := Record{
		Topic:     words[0],
		Partition: int32(Number(words[1])),
		Timestamp: time.UnixMilli(Number(words[2])),
		Tag:       int(Number(words[3])),
		Key:       Bytes(words[4]),
		Value:     Bytes(words[5]),
	}
	for _, word := range words[6:] {
		name, value, _ := strings.Cut(word, ":")
		record.Headers = append(record.Headers, Header{string(Bytes(name)), Bytes(value)})
	}
	return record
}

// Outcomes are of records that were sent: tag, offset and the name of an error.
type Outcomes struct {
	known chan []any
}

// NewOutcomes has none yet, and takes as many as a test sends.
func NewOutcomes() Outcomes {
	return Outcomes{make(chan []any, 100_000)}
}

// Add notes what has become of a record.
func (outcomes Outcomes) Add(tag int, offset int64, err error) {
	if err == nil {
		outcomes.known <- []any{tag, offset, nil}
		return
	}
	name, _ := library.Judge(err)
	if name == "" {
		name = err.Error()
	}
	outcomes.known <- []any{tag, nil, name}
}

// Take has what is known by now; when it is nothing, it waits for the first.
func (outcomes Outcomes) Take(longest time.Duration) any {
	taken := [][]any{}
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case first := <-outcomes.known:
		taken = append(taken, first)
	case <-timer.C:
	}
	for {
		select {
		case next := <-outcomes.known:
			taken = append(taken, next)
		default:
			return taken
		}
	}
}

// Pairs are words like name=value.
func Pairs(words []string) map[string]string {
	pairs := map[string]string{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		pairs[name] = value
	}
	return pairs
}

// Numbers are words like 3=17: partitions with numbers.
func Numbers(words []string) map[int32]int64 {
	numbers := map[int32]int64{}
	for partition, number := range Pairs(words) {
		numbers[int32(Number(partition))] = Number(number)
	}
	return numbers
}

// Number is a word that is one. What this side is told is right, or a test is wrong.
func Number(word string) int64 {
	number, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		panic(err)
	}
	return number
}

// Milliseconds is a word that tells how long something may take.
func Milliseconds(word string) time.Duration {
	return time.Duration(Number(word)) * time.Millisecond
}

// Bytes are a word's. Base64 has no hyphen, so that a hyphen is null.
func Bytes(word string) []byte {
	if word == "-" {
		return nil
	}
	bytes, err := base64.StdEncoding.DecodeString(word)
	if err != nil {
		panic(err)
	}
	return bytes
}
