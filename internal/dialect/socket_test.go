package dialect_test

import (
	"encoding/json"
	"errors"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

func TestClientEvent(t *testing.T) {
	for msg, want := range map[string][3]string{
		`{"type":"a"}`: {"a", "", `{}`},
		` { "type" : "a" , "x" : [ 1, {"type":2} ] } `: {"a", "", `{"x" : [ 1, {"type":2} ]}`},
		`{"x":1,"event_id":"e","y":"\"","type":"a"}`:   {"a", "e", `{"x":1,"y":"\""}`},
		`{"t\u0079pe":"\u0061"}`:                       {"a", "", `{}`},
	} {
		kind, id, rest, err := dialect.ClientEvent([]byte(msg))
		if err != nil || kind != want[0] || id != want[1] || string(rest) != want[2] {
			t.Errorf("%s: %q %q %s %v", msg, kind, id, rest, err)
		}
		back := dialect.AppendEvent(nil, kind, id, [][]byte{rest[:1], rest[1:]})
		if !json.Valid(back) {
			t.Errorf("%s: %s", msg, back)
		}
		if again, same, rest2, err := dialect.ClientEvent(back); err != nil || again != kind || same != id || string(rest2) != string(rest) {
			t.Errorf("%s: %s: %q %q %s %v", msg, back, again, same, rest2, err)
		}
	}
	for msg, kind := range map[string]fault.Kind{
		``: fault.InvalidJSON, `[]`: fault.InvalidJSON, `{"type":"a"`: fault.InvalidJSON, `{"type":"a"} x`: fault.InvalidJSON, `{"type":"a",}`: fault.InvalidJSON,
		`{}`: fault.InvalidField, `{"type":1}`: fault.InvalidField, `{"type":""}`: fault.InvalidField, `{"type":"a","event_id":null}`: fault.InvalidField,
		`{"type":"a","type":"a"}`: fault.DuplicateField, `{"type":"a","Type":"b"}`: fault.DuplicateField, `{"type":"a","event_ID":"b"}`: fault.DuplicateField,
		`{"type":"a","event_id":"b","event_id":"c"}`: fault.DuplicateField,
	} {
		if _, _, _, err := dialect.ClientEvent([]byte(msg)); !errors.Is(err, kind) {
			t.Errorf("%s: %v, want %s", msg, err, kind)
		}
	}
}

func FuzzClientEvent(f *testing.F) {
	f.Add([]byte(`{"type":"response.create","event_id":"e","model":"m","input":[{"type":"x"}]}`))
	f.Add([]byte(`{"x":{"type":1},"type":"a"}`))
	f.Fuzz(func(t *testing.T, msg []byte) {
		kind, id, rest, err := dialect.ClientEvent(msg)
		if err != nil {
			return
		}
		var whole, without map[string]json.RawMessage
		if json.Unmarshal(msg, &whole) != nil {
			return // encoding/json takes less
		}
		if err := json.Unmarshal(rest, &without); err != nil || len(without) > len(whole) {
			t.Fatalf("%q: %q: %v", msg, rest, err)
		}
		if _, there := without["type"]; there {
			t.Fatalf("%q: %q", msg, rest)
		}
		back := dialect.AppendEvent(nil, kind, id, [][]byte{rest})
		if !json.Valid(back) {
			t.Fatalf("%q: %q", msg, back)
		}
	})
}

func TestErrorEvent(t *testing.T) {
	f := fault.New(fault.TokensLimited, "no %q", "more")
	for about, want := range map[string]string{
		"":  `{"type":"error","event_id":"event_1","status":429,"error":{"message":"no \"more\"","type":"tokens","param":null,"code":"tokens_limited"}}`,
		"e": `{"type":"error","event_id":"event_1","status":429,"error":{"message":"no \"more\"","type":"tokens","param":null,"code":"tokens_limited","event_id":"e"}}`,
	} {
		if got := string(dialect.AppendErrorEvent(nil, f, 429, "req_1", about)); got != want {
			t.Errorf("%s", got)
		}
	}
}
