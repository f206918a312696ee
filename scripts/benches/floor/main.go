// The floor of a release: the same writes by a bare client, as many at once.
//
//	floor CLUSTER.json REQUESTS.json CONCURRENCY
//
// CLUSTER.json is {"server", "ca", "cert", "key"} with PEM texts; REQUESTS.json is a list of stages, each a list of
// {"method", "path", "type", "body"}. The requests of a stage go out together, a stage after the one before.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
)

type cluster struct{ Server, CA, Cert, Key string }

type request struct {
	Method, Path, Type string
	Body               json.RawMessage
}

func read(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func send(client *http.Client, server string, r request) error {
	built, err := http.NewRequest(r.Method, server+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return err
	}
	built.Header.Set("Content-Type", r.Type)
	built.Header.Set("Accept", "application/json")
	answer, err := client.Do(built)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 && answer.StatusCode != http.StatusNotFound {
		err = fmt.Errorf("%s %s: %s: %s", r.Method, r.Path, answer.Status, text)
	}
	return err
}

func run() error {
	var c cluster
	var stages [][]request
	if err := read(os.Args[1], &c); err != nil {
		return err
	}
	if err := read(os.Args[2], &stages); err != nil {
		return err
	}
	concurrency, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(c.CA))
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: concurrency,
	}}
	for _, stage := range stages {
		queue := make(chan request)
		failed := make(chan error, concurrency)
		var workers sync.WaitGroup
		for range concurrency {
			workers.Add(1)
			go func() {
				defer workers.Done()
				for r := range queue {
					if err := send(client, c.Server, r); err != nil {
						select {
						case failed <- err:
						default:
						}
					}
				}
			}()
		}
		for _, r := range stage {
			queue <- r
		}
		close(queue)
		workers.Wait()
		select {
		case err := <-failed:
			return err
		default:
		}
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
