package foreign_test

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"tollgate/internal/foreign"
)

// The same rows in every form that they may have.
func TestFormsOfAFile(t *testing.T) {
	obj := `{"token":"` + hash + `","key_alias":"a,\"b\"","models":["m 1","n"],"blocked":null,"max_budget":1.5}`
	want := []foreign.Record{one(t, "litellm", obj, foreign.Options{})}
	for name, file := range map[string]string{
		"an array":        `[` + obj + `]`,
		"JSON lines":      obj + "\n",
		"with a mark":     "\ufeff" + obj,
		"blanks before":   "\n  \t" + obj,
		"keys":            `{"keys":[` + obj + `],"total_count":1}`,
		"items in data":   `{"success":true,"data":{"items":[` + obj + `],"total":1}}`,
		"camel case":      `{"token":"` + hash + `","keyAlias":"a,\"b\"","models":["m 1","n"],"maxBudget":1.5}`,
		"CSV of Postgres": "token,key_alias,models,blocked,max_budget\n" + hash + `,"a,""b""","{""m 1"",n}",,1.5` + "\n",
		"CSV with JSON":   "Token,Key Alias,Models,Blocked,Max Budget\r\n" + hash + `,"a,""b""","[""m 1"",""n""]",\N,1.50` + "\r\n",
		"semicolons":      "token;key_alias;models;blocked;max_budget\n" + hash + `;"a,""b""";"{""m 1"",n}";NULL;1.5` + "\n",
		"tabs":            "token\tkey_alias\tmodels\tblocked\tmax_budget\n" + hash + "\t\"a,\"\"b\"\"\"\t\"[\"\"m 1\"\",\"\"n\"\"]\"\t\t15e-1\n",
	} {
		t.Run(name, func(t *testing.T) {
			same(t, "records", body(t, read(t, "litellm", file, foreign.Options{})), body(t, want))
		})
	}
	many := read(t, "litellm", obj+"\n"+obj+obj, foreign.Options{})
	if len(many) != 3 || many[2].Number != 3 {
		t.Errorf("%d rows", len(many))
	}
	if none := read(t, "litellm", `{"keys":[]}`, foreign.Options{}); len(none) != 0 {
		t.Errorf("%d rows in an empty list", len(none))
	}
	if none := read(t, "litellm", `[]`, foreign.Options{}); len(none) != 0 {
		t.Errorf("%d rows in an empty array", len(none))
	}
	// A row that happens to have an empty list under such a name is a row all the same.
	if rows := read(t, "litellm", `{"token":"`+hash+`","items":[]}`, foreign.Options{}); len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
}

// What cannot be read ends the file with a place, and without what stands there.
func TestFilesThatCannotBeRead(t *testing.T) {
	for name, file := range map[string]string{
		"nothing":            "",
		"blanks":             " \n ",
		"text":               "hello planted world",
		"no names":           "a,,planted\n1,2,3\n",
		"a name twice":       "key,Key\nplanted,1\n",
		"half an object":     `{"token":"planted`,
		"half an array":      `[{"token":"planted"}`,
		"no objects":         `["planted"]`,
		"a name twice, JSON": `{"token":"planted","token":"planted"}`,
		"twice, by spelling": `{"key_alias":"planted","keyAlias":"planted"}`,
		"more after it":      `[{"token":"x"}] {"token":"planted"}`,
		"a quote":            "token,name\n\"planted,1\n",
		"short lines":        "token,name\nplanted\n",
		"a very long row":    `{"token":"` + strings.Repeat("planted", 200_000) + `"}`,
	} {
		rows, err := foreign.NewRows(strings.NewReader(file))
		for err == nil {
			_, err = rows.Next()
		}
		if errors.Is(err, io.EOF) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var (
	sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
	knoxForm   = regexp.MustCompile(`^[0-9a-f]{128}$`)
)

// Whatever a file holds: nothing panics, a row that is to be sent has a secret of
// a right form and an id, and a key that stands there as it is leaves as its hash.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"token":"` + hash + `","models":["a"],"max_budget":1e-3,"budget_duration":"5d","metadata":{"tags":[]}}`,
		`[{"id":1,"key":"PLANTEDPLANTEDPLANTED","status":1,"remain_quota":5,"expired_time":-1}]`,
		"id,key_hash,key_prefix,scopes\n1," + bcryptHash + ",en_abcde,\"[\"\"chat.completions\"\"]\"\n",
		`{"users":[{"email":"a@b","api_keys":[{"key":"sk-PLANTED"}]}],"standalone_keys":[{"key_hash":"` + hash + `","wallet":{"balance":1}}]}`,
		`{"digest":"` + strings.Repeat("0f", 64) + `","token_key":"abcdefgh","chatbots":"{a,b}"}`,
		"token\n" + hash + "\n",
	} {
		for i := range foreign.Formats() {
			f.Add(uint8(i), seed)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, file string) {
		formats := foreign.Formats()
		format := formats[int(which)%len(formats)]
		rows, err := foreign.NewRows(strings.NewReader(file))
		for n := 1; err == nil; n++ {
			var row foreign.Row
			if row, err = rows.Next(); err != nil {
				break
			}
			rec := format.Read(row, foreign.Options{Now: now, Ownerless: n%2 == 0})
			if rec.Number != n {
				t.Fatalf("row %d has the number %d", n, rec.Number)
			}
			if rec.Skip != "" || len(rec.Problem) > 0 {
				continue
			}
			s := rec.Row.Secret
			ok := s.Scheme == "sha256" && sha256Form.MatchString(s.Digest) || s.Scheme == "knox" && knoxForm.MatchString(s.Digest) ||
				s.Scheme == "bcrypt" && strings.HasPrefix(s.Digest, "$2") && len(s.Prefix) == 8
			if !ok || rec.Row.SourceID == "" {
				t.Errorf("%+v", rec.Row)
			}
			sent, err := json.Marshal(rec)
			if err != nil {
				t.Fatal(err)
			}
			if format.Name == "new-api" && strings.Contains(file, `"key":"PLANTEDPLANTEDPLANTED"`) && strings.Contains(string(sent), "PLANTEDPLANTED") {
				t.Error("a key leaves as it is")
			}
		}
	})
}

// FuzzAmounts: what is read of a number is never less spent, and never more left,
// than it says.
func FuzzAmounts(f *testing.F) {
	for _, s := range []string{"0", "1.5", "1e-5", "0.1500000000000001", "-3", "1E+2", "999999999.9999999999", "1e999", ".5", "5.", "+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Skip()
		}
		format, _ := foreign.FormatNamed("litellm")
		rows, err := foreign.NewRows(strings.NewReader(`{"token":"` + hash + `","spend":` + string(quoted) + `,"max_budget":` + string(quoted) + `}`))
		if err != nil {
			t.Fatal(err)
		}
		row, err := rows.Next()
		if err != nil {
			t.Skip()
		}
		rec := format.Read(row, foreign.Options{Now: now})
		checkAmount(t, s, &rec)
	})
}
