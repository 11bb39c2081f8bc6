package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/key"
	"tollgate/internal/money"
)

// column is a column of a table and the Go value that goes into it and comes out
// of it: at is a pointer that database/sql can both scan into and read. One list
// of columns serves SELECT, INSERT and UPDATE, so they cannot drift apart.
type column struct {
	name string
	at   any
}

func names(columns []column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name
	}
	return strings.Join(list, ", ")
}

func pointers(columns []column) []any {
	list := make([]any, len(columns))
	for i, c := range columns {
		list[i] = c.at
	}
	return list
}

// insertInto is the statement that makes a row of columns.
func insertInto(table string, columns []column) string {
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, names(columns), marks)
}

// updateSet is the statement that writes columns where a condition holds.
func updateSet(table string, columns []column, where string) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name + " = ?"
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s", table, strings.Join(list, ", "), where)
}

// limitColumns are the limits that three tables have alike.
func limitColumns(l *authority.Limits) []column {
	return append(countedColumns(l),
		column{"budget_limit_cents", &l.BudgetLimitCents},
		column{"budget_type", optional[authority.BudgetType]{&l.BudgetType}},
		column{"budget_mode", optional[authority.BudgetMode]{&l.BudgetMode}})
}

// countedColumns are the limits but for the budget.
func countedColumns(l *authority.Limits) []column {
	return []column{
		{"rate_limit_per_minute", &l.RateLimitPerMinute},
		{"rate_limit_per_hour", &l.RateLimitPerHour},
		{"rate_limit_per_day", &l.RateLimitPerDay},
		{"tokens_per_minute", &l.TokensPerMinute},
		{"tokens_per_day", &l.TokensPerDay},
		{"tokens_per_month", &l.TokensPerMonth},
		{"concurrent_limit", &l.ConcurrentLimit},
	}
}

// instant is a time in milliseconds; the zero time is NULL.
type instant struct{ at *time.Time }

func (i instant) Value() (driver.Value, error) {
	if i.at.IsZero() {
		return nil, nil
	}
	return i.at.UnixMilli(), nil
}

func (i instant) Scan(src any) error {
	var ms sql.Null[int64]
	if err := ms.Scan(src); err != nil {
		return err
	}
	*i.at = time.Time{}
	if ms.Valid {
		*i.at = time.UnixMilli(ms.V).UTC()
	}
	return nil
}

// optional is text of which "" is NULL.
type optional[T ~string] struct{ at *T }

func (o optional[T]) Value() (driver.Value, error) {
	if *o.at == "" {
		return nil, nil
	}
	return string(*o.at), nil
}

func (o optional[T]) Scan(src any) error {
	var s sql.NullString
	err := s.Scan(src)
	*o.at = T(s.String)
	return err
}

// words is a list as a JSON array; nil is NULL.
type words struct{ at *[]string }

func (w words) Value() (driver.Value, error) {
	if *w.at == nil {
		return nil, nil
	}
	return encode(*w.at)
}

// Scan takes what cannot be read, which somebody else has written, for an empty
// list: it lets nothing through, where nil would let everything, and breaks no page
// of a list that the row is in.
func (w words) Scan(src any) error {
	*w.at = nil
	there, err := decode(src, w.at)
	if there && (err != nil || *w.at == nil) {
		*w.at = []string{}
	}
	return nil
}

// flags is a map as a JSON object; nil is NULL.
type flags struct{ at *map[string]bool }

func (f flags) Value() (driver.Value, error) {
	if *f.at == nil {
		return nil, nil
	}
	return encode(*f.at)
}

// Scan takes what cannot be read for no words at all.
func (f flags) Scan(src any) error {
	*f.at = nil
	there, err := decode(src, f.at)
	if there && (err != nil || *f.at == nil) {
		*f.at = map[string]bool{}
	}
	return nil
}

// document is a value as JSON.
type document[T any] struct{ at *T }

func (d document[T]) Value() (driver.Value, error) { return encode(*d.at) }

// Scan takes what cannot be read for the zero value.
func (d document[T]) Scan(src any) error {
	var v, none T
	if _, err := decode(src, &v); err != nil {
		v = none
	}
	*d.at = v
	return nil
}

func encode(v any) (driver.Value, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// decode reads JSON, and reports whether there was anything but NULL.
func decode(src, at any) (there bool, err error) {
	var text sql.NullString
	if err := text.Scan(src); err != nil || !text.Valid {
		return err != nil, err
	}
	return true, json.Unmarshal([]byte(text.String), at)
}

// hash is 32 bytes; the zero hash is NULL, which no look-up matches. So is what has
// another length, which somebody else has written.
type hash struct{ at *key.Hash }

func (h hash) Value() (driver.Value, error) {
	if *h.at == (key.Hash{}) {
		return nil, nil
	}
	return h.at[:], nil
}

func (h hash) Scan(src any) error {
	*h.at = key.Hash{}
	if b, ok := src.([]byte); ok && len(b) == len(h.at) {
		copy(h.at[:], b)
	}
	return nil
}

// digest is 32 bytes that are always there.
type digest struct{ at *[32]byte }

func (d digest) Value() (driver.Value, error) { return d.at[:], nil }

func (d digest) Scan(src any) error {
	*d.at = [32]byte{}
	if b, ok := src.([]byte); ok { // of another length: the chain of hashes does not hold then, which is found by verifying it
		copy(d.at[:], b)
	}
	return nil
}

// half is one of the two prices of a default price; both are NULL without one.
type half struct {
	at **authority.DefaultPrice
	of func(*authority.DefaultPrice) *money.Price
}

func (h half) Value() (driver.Value, error) {
	if *h.at == nil {
		return nil, nil
	}
	return int64(*h.of(*h.at)), nil
}

func (h half) Scan(src any) error {
	var price sql.Null[int64]
	if err := price.Scan(src); err != nil || !price.Valid {
		return err
	}
	if *h.at == nil {
		*h.at = new(authority.DefaultPrice)
	}
	*h.of(*h.at) = money.Price(price.V)
	return nil
}
