// Loads etcd through its own client, for the benchmark that puts it beside this database.
//
// usage: etcd-load ENDPOINT[,ENDPOINT...] put|get|range|transfer|fill CLIENTS MILLISECONDS KEYS
//
// Prints one JSON object: the operations done, the conflicts they met, the seconds they took, and
// their latencies' 50th and 99th percentile in microseconds. Values have 256 bytes; each client
// does one operation after the other; reads are linearizable. A transfer reads two keys and puts
// both in a transaction that compares their values, again until they are as they were read.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/clientv3"
)

// Clients that share one connection at most, and connections at most.
const (
	clientsOfConnection = 16
	connectionsMax      = 32
	valueBytes          = 256
	rangeKeys           = 100
)

// How long one operation may take: a cluster that is not there ends the load.
const patience = 10 * time.Second

func main() {
	if len(os.Args) != 6 {
		fail(fmt.Errorf("usage: etcd-load ENDPOINTS put|get|range|transfer|fill CLIENTS " +
			"MILLISECONDS KEYS"))
	}
	clients, milliseconds, keys := number(os.Args[3]), number(os.Args[4]), number(os.Args[5])
	connections := connect(strings.Split(os.Args[1], ","), clients)
	kind := os.Args[2]
	if kind == "fill" {
		fill(connections[0], keys)
		return
	}
	begin := time.Now()
	end := begin.Add(time.Duration(milliseconds) * time.Millisecond)
	latencies := make([][]float64, clients)
	conflicts := make([]int, clients)
	var group sync.WaitGroup
	for client := 0; client < clients; client++ {
		group.Add(1)
		go func(client int) {
			defer group.Done()
			connection := connections[client%len(connections)]
			for before := time.Now(); before.Before(end); {
				conflicts[client] += operate(
					connection, kind, client, len(latencies[client]), keys)
				after := time.Now()
				latencies[client] = append(
					latencies[client], float64(after.Sub(before).Nanoseconds())/1000)
				before = after
			}
		}(client)
	}
	group.Wait()
	report(latencies, conflicts, time.Since(begin).Seconds())
}

func connect(endpoints []string, clients int) []*clientv3.Client {
	count := (clients + clientsOfConnection - 1) / clientsOfConnection
	if count > connectionsMax {
		count = connectionsMax
	}
	connections := make([]*clientv3.Client, count)
	for index := range connections {
		connection, err := clientv3.New(clientv3.Config{
			// Each connection begins at another member, as applications do.
			Endpoints:   []string{endpoints[index%len(endpoints)]},
			DialTimeout: 5 * time.Second,
		})
		if err != nil {
			fail(err)
		}
		connections[index] = connection
	}
	return connections
}

func key(number int) string { return fmt.Sprintf("key-%08d", number) }

func value(number int) string {
	return strings.Repeat(string(rune('a'+number%26)), valueBytes)
}

func fill(connection *clientv3.Client, keys int) {
	for first := 0; first < keys; first += rangeKeys {
		var puts []clientv3.Op
		for number := first; number < first+rangeKeys && number < keys; number++ {
			puts = append(puts, clientv3.OpPut(key(number), value(number)))
		}
		limited, cancel := context.WithTimeout(context.Background(), patience)
		_, err := connection.Txn(limited).Then(puts...).Commit()
		cancel()
		if err != nil {
			fail(err)
		}
	}
}

// operate does one operation, and says how many conflicts it met. Keys are spread as in this
// database's own benchmark.
func operate(connection *clientv3.Client, kind string, client, count, keys int) int {
	place := (client*7919 + count*104729) % keys
	limited, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	conflicts := 0
	switch kind {
	case "put":
		_, err = connection.Put(limited, key(place), value(count))
	case "get":
		_, err = connection.Get(limited, key(place))
	case "range":
		place %= keys - rangeKeys
		_, err = connection.Get(
			limited, key(place), clientv3.WithRange(key(place+rangeKeys)))
	case "transfer":
		conflicts, err = transfer(limited, connection, place, keys)
	default:
		err = fmt.Errorf("%q is no kind of load", kind)
	}
	if err != nil {
		fail(err)
	}
	return conflicts
}

// transfer moves something from a key of the first half to one of the second.
func transfer(
	limited context.Context, connection *clientv3.Client, place, keys int,
) (conflicts int, err error) {
	half := keys / 2
	payer, payee := key(place%half), key(half+(place*31+17)%half)
	for {
		read, err := connection.Txn(limited).Then(
			clientv3.OpGet(payer), clientv3.OpGet(payee)).Commit()
		if err != nil {
			return conflicts, err
		}
		had := read.Responses[0].GetResponseRange().Kvs[0].Value
		other := read.Responses[1].GetResponseRange().Kvs[0].Value
		done, err := connection.Txn(limited).If(
			clientv3.Compare(clientv3.Value(payer), "=", string(had)),
			clientv3.Compare(clientv3.Value(payee), "=", string(other)),
		).Then(
			clientv3.OpPut(payer, moved(had, -1)), clientv3.OpPut(payee, moved(other, 1)),
		).Commit()
		if err != nil || done.Succeeded {
			return conflicts, err
		}
		conflicts++
	}
}

// moved is the value of an account after a transfer: its first byte is the balance.
func moved(value []byte, by int) string {
	changed := append([]byte{}, value...)
	changed[0] = byte(int(changed[0]) + by)
	return string(changed)
}

func report(latencies [][]float64, conflicts []int, seconds float64) {
	sum := 0
	for _, some := range conflicts {
		sum += some
	}
	var all []float64
	for _, some := range latencies {
		all = append(all, some...)
	}
	sort.Float64s(all)
	percentile := func(percent float64) float64 {
		rank := int(math.Ceil(percent / 100 * float64(len(all))))
		return all[rank-1]
	}
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"count": len(all), "conflicts": sum, "seconds": seconds,
		"p50": percentile(50), "p99": percentile(99),
	})
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 {
		fail(fmt.Errorf("%q is no positive number", text))
	}
	return value
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "etcd-load:", err)
	os.Exit(1)
}
