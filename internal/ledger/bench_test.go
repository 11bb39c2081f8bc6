package ledger_test

import (
	"fmt"
	"testing"

	"tollgate/internal/ledger"
	"tollgate/internal/limit"
)

func BenchmarkReserveSettle(b *testing.B) {
	h := open(b, b.TempDir(), nil, ledger.Options{})
	c := chain(
		limit.Limit{Meter: limit.Requests, Window: limit.Minute, Max: 1 << 40}, limit.Limit{Meter: limit.Requests, Window: limit.Hour, Max: 1 << 40},
		limit.Limit{Meter: limit.Requests, Window: limit.Day, Max: 1 << 40}, limit.Limit{Meter: limit.Tokens, Window: limit.Minute, Max: 1 << 50},
		limit.Limit{Meter: limit.Tokens, Window: limit.Day, Max: 1 << 50}, limit.Limit{Meter: limit.Tokens, Window: limit.Month, Max: 1 << 50},
		budget(1<<60))
	b.ReportAllocs()
	for b.Loop() {
		hold, err := h.Reserve(b.Context(), request(c))
		if err != nil {
			b.Fatal(err)
		}
		hold.Settle(used(50))
	}
}

func ExampleFigure() {
	fmt.Println(ledger.Figure(limit.Cost, 1_500_000_000), ledger.Figure(limit.Tokens, 64))
	// Output: $1.50 64 tokens
}
