package authority

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/money"
)

// MaxImportRows is how many rows one call takes.
const MaxImportRows = 100

// batch is the body of an import.
type batch struct {
	source      string
	dryRun      bool
	createUsers bool
	rows        []jsontext.Value
}

func batchFields() []field[batch] {
	return []field[batch]{
		{name: "source", set: func(e *edit[batch], raw jsontext.Value) string {
			if json.Unmarshal(raw, &e.next.source) != nil || !isSource(e.next.source) {
				return "must be 1 to 100 lower-case letters, digits and - _ . /, like litellm"
			}
			return ""
		}},
		switchField("dry_run", func(b *batch) *bool { return &b.dryRun }),
		switchField("create_users", func(b *batch) *bool { return &b.createUsers }),
		{name: "rows", set: func(e *edit[batch], raw jsontext.Value) string {
			if raw.Kind() != '[' || json.Unmarshal(raw, &e.next.rows) != nil || len(e.next.rows) < 1 || len(e.next.rows) > MaxImportRows {
				return fmt.Sprintf("must be a list of 1 to %d rows", MaxImportRows)
			}
			for i, raw := range e.next.rows {
				if !looksLikeRow(raw) {
					return fmt.Sprintf("entry %d: must be an object with source_id, secret and key", i+1)
				}
			}
			return ""
		}},
	}
}

// looksLikeRow reports whether raw is a row at all. What is wrong in it is said of
// the row alone; what is none is a mistake in the call.
func looksLikeRow(raw jsontext.Value) bool {
	var r struct {
		SourceID *string         `json:"source_id"`
		Secret   *map[string]any `json:"secret"`
		Key      *map[string]any `json:"key"`
	}
	return raw.Kind() == '{' && json.Unmarshal(raw, &r) == nil && r.SourceID != nil && r.Secret != nil && r.Key != nil
}

func isSource(s string) bool {
	return s != "" && len(s) <= 100 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_./") == ""
}

// importRow is one row of an import.
type importRow struct {
	sourceID string

	scheme         Scheme
	digest, prefix string
	secret         ForeignSecret // of these
	hash           key.Hash

	email, ownerName string // "" = nobody's

	cost   money.NanoUSD
	tokens *int64
	at     time.Time

	key []member
}

// owner is the owner as a body that makes them.
func (r *importRow) owner() []member {
	var list []member
	for _, m := range [][2]string{{"email", r.email}, {"name", r.ownerName}} {
		if text, err := json.Marshal(m[1]); err == nil {
			list = append(list, member{m[0], text})
		}
	}
	return list
}

func (r *importRow) opening(b *batch, row *KeyRow) Opening {
	system, _, _ := strings.Cut(b.source, "/")
	o := Opening{
		OrganizationID: row.OrganizationID, UserID: row.UserID, KeyID: row.ID, KeyName: row.Name,
		Source: system, Cost: r.cost, At: r.at,
	}
	if r.tokens != nil {
		o.Tokens = *r.tokens
	}
	return o
}

// readImportRow reads a row, or everything that is wrong with it. Of a row that is
// wrong the id is there if it can be read.
func readImportRow(raw jsontext.Value, now time.Time) (importRow, error) {
	var r importRow
	list, err := members(raw)
	if err != nil {
		return r, err
	}
	e := &edit[importRow]{next: &r}
	e.apply(importRowFields(now), list)
	r.email = strings.ToLower(r.email)
	for _, m := range list {
		if m.name == "owner" && m.value.Kind() == '{' && r.email == "" && !e.failed("owner.email") {
			e.fail("owner.email", "is required; leave out owner for a key of nobody's")
		}
	}
	if len(e.problems) == 0 {
		var problem string
		if r.secret, r.hash, problem = foreignSecret(r.scheme, r.digest, r.prefix); problem != "" {
			e.fail("secret.digest", problem)
		}
	}
	return r, e.err()
}

func importRowFields(now time.Time) []field[importRow] {
	return []field[importRow]{
		textField("source_id", 1, 200, func(r *importRow) *string { return &r.sourceID }),
		objectField("secret",
			wordField("scheme", func(r *importRow) *Scheme { return &r.scheme }, SchemeSHA256, SchemeKnox, SchemeBcrypt),
			textField("digest", 1, 200, func(r *importRow) *string { return &r.digest }),
			field[importRow]{name: "prefix", set: setHint},
		),
		objectField("owner",
			textField("email", 3, 254, func(r *importRow) *string { return &r.email }),
			textField("name", 0, 100, func(r *importRow) *string { return &r.ownerName }),
		),
		objectField("spent",
			field[importRow]{name: "cost_usd", set: setSpent},
			countField("tokens", 0, maxTokens, func(r *importRow) **int64 { return &r.tokens }),
			field[importRow]{name: "at", set: func(e *edit[importRow], raw jsontext.Value) string {
				return setPast(&e.next.at, raw, now)
			}},
		),
		{name: "key", set: func(e *edit[importRow], raw jsontext.Value) string {
			list, err := members(raw)
			switch {
			case err != nil:
				return "must be an object with the fields of a key"
			case slices.ContainsFunc(list, func(m member) bool { return m.name == "user_id" || m.name == "preset" }):
				return "cannot have user_id or preset; the owner is said by owner"
			}
			e.next.key = list
			return ""
		}},
	}
}

// objectField reads an object whose fields are those of table; null is left out.
func objectField[T any](name string, table ...field[T]) field[T] {
	return field[T]{name: name, set: func(e *edit[T], raw jsontext.Value) string {
		if isNull(raw) {
			return ""
		}
		list, err := members(raw)
		if err != nil {
			return "must be an object"
		}
		inner := &edit[T]{next: e.next}
		inner.apply(table, list)
		for _, p := range inner.problems {
			e.fail(name+"."+p.Name, p.Problem)
		}
		return ""
	}}
}

// setHint reads what may be shown of a key: 8 visible characters at most.
func setHint(e *edit[importRow], raw jsontext.Value) string {
	s := ""
	if !isNull(raw) && json.Unmarshal(raw, &s) != nil || len(s) > lookupBytes || s != "" && !foreignShape(s) {
		return "must be the key's first characters, 8 at most, or null"
	}
	e.next.prefix = s
	return ""
}

func setSpent(e *edit[importRow], raw jsontext.Value) string {
	const want = `must be a decimal number of dollars as text, like "12.50", from "0" to "1000000000" with nine decimal places at most, or null`
	if isNull(raw) {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return want
	}
	amount, err := money.ParseUSD(text)
	if err != nil || amount < 0 || amount > maxInitialBalance {
		return want
	}
	e.next.cost = amount
	return ""
}

// setPast reads an instant that is not after now, or null.
func setPast(at *time.Time, raw jsontext.Value, now time.Time) string {
	const want = "must be an instant in the past, like 2025-01-31T23:59:59Z, or null"
	if isNull(raw) {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return want
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.After(now) || t.Year() < 2000 {
		return want
	}
	*at = t.UTC().Truncate(time.Millisecond)
	return ""
}

// inside puts the name of the object in front of the fields that are wrong in it.
func inside(err error, name string) error {
	known := fault.Of(err)
	if err == nil || len(known.Fields) == 0 {
		return err
	}
	fields := slices.Clone(known.Fields)
	for i := range fields {
		fields[i].Name = name + fields[i].Name
	}
	return &fault.Error{Kind: known.Kind, Public: summary(fields), Param: fields[0].Name, Fields: fields}
}
