package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"tollgate/internal/simulate"
)

// Simulated is a provider of our own on a loopback port.
type Simulated struct {
	BaseURL string // as a provider's base_url takes it
	http    *http.Server
}

// Simulate starts a simulated provider that behaves as told unless a request
// says otherwise. End it with Close.
func Simulate(ctx context.Context, b simulate.Behaviour) (*Simulated, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the simulated provider: %w", err)
	}
	s := &Simulated{
		BaseURL: "http://" + listener.Addr().String() + "/v1",
		http:    &http.Server{Handler: simulate.New(simulate.Options{Behaviour: b, Keep: true}), ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { _ = s.http.Serve(listener) }() // returns when closed
	return s, nil
}

// Close ends the provider and what it was answering.
func (s *Simulated) Close() error { return s.http.Close() }
