package dialect_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

const deployed = "/openai/deployments/{model}/chat/completions"

// TestDeployment reads a request to a deployment: the path says which, whatever the
// body says, and both say the same when it goes on.
func TestDeployment(t *testing.T) {
	const messages = `"messages":[{"role":"user","content":"Hi"}]`
	for body, want := range map[string]string{
		`{` + messages + `}`:                              `{"max_completion_tokens":9,` + messages + `}`,
		`{"model":"gpt-4o",` + messages + `}`:             `{"max_completion_tokens":9,"model":"d-2",` + messages + `}`,
		`{` + messages + `, "mod\u0065l" : "d-1" }`:       `{"max_completion_tokens":9,` + messages + `, "mod\u0065l" : "d-2" }`,
		`{"model":null,"max_tokens":90,` + messages + `}`: `{"model":null,"max_tokens":9,` + messages + `}`,
	} {
		call, err := dialect.Read(find(t, deployed), &url.URL{Path: "/openai/deployments/d-1/chat/completions"}, []byte(body))
		if err != nil || call.Model != "d-1" {
			t.Fatalf("%s: %+v, %v", body, call, err)
		}
		if got := string(call.Rewrite(dialect.Edit{Model: "d-2", MaxOutput: 9, CapField: "max_completion_tokens"})); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", body, got, want)
		}
		if path, err := call.Upstream("d-2"); err != nil || path != "/openai/deployments/d-2/chat/completions" {
			t.Errorf("%q, %v", path, err)
		}
		for _, name := range []string{"a/b", "a b", "a?b", "a%2fb", "ä"} {
			if _, err := call.Upstream(name); !errors.Is(err, fault.ModelNotFound) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	for body, want := range map[string]fault.Kind{
		`{}`:                                fault.InvalidField,
		`{"model":1,` + messages + `}`:      fault.InvalidField,
		`{"Model":"x",` + messages + `}`:    fault.DuplicateField,
		`{"model":"a","model":"a"}`:         fault.DuplicateField,
		`{"max_tokens":0,` + messages + `}`: fault.InvalidField,
	} {
		if _, err := dialect.Read(find(t, deployed), address(deployed), []byte(body)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// TestDeployedForm is the same for a form.
func TestDeployedForm(t *testing.T) {
	const path = "/openai/deployments/{model}/audio/transcriptions"
	at := address(path)
	at.RawQuery = "api-version=2024-10-21"
	for _, c := range []struct{ form, want string }{
		{formOf(formFile("file", "abc")), formOf(formFile("file", "abc"))},
		{formOf(formField("model", "whisper"), formFile("file", "abc")), formOf(formField("model", "d-2"), formFile("file", "abc"))},
		{formOf(formField("model", ""), formFile("file", "abc")), formOf(formField("model", "d-2"), formFile("file", "abc"))},
	} {
		call, err := dialect.ReadForm(find(t, path), at, formType, []byte(c.form))
		if err != nil || call.Model != "m" || call.QueryFor("azure") != at.RawQuery || call.Media.Audio != 1 {
			t.Fatalf("%q: %+v, %v", c.form, call, err)
		}
		if got := string(call.Rewrite(dialect.Edit{Model: "d-2"})); got != c.want {
			t.Errorf("%q became %q", c.form, got)
		}
	}
	at.RawQuery = "api-version=2024&api-version=2025"
	if _, err := dialect.ReadForm(find(t, path), at, formType, []byte(formOf(formFile("file", "abc")))); !errors.Is(err, fault.InvalidField) {
		t.Error(err)
	}
}

// TestAPIVersion is all of a query that goes to Azure, and to nobody else.
func TestAPIVersion(t *testing.T) {
	const bad = "refused"
	for _, c := range []struct{ query, deployment, v1 string }{
		{"", "", ""},
		{"api-version=2024-10-21", "api-version=2024-10-21", ""},
		{"api-version=2025-04-01-preview&key=secret&x=1", "api-version=2025-04-01-preview", ""},
		{"api-version=preview", "api-version=preview", "api-version=preview"},
		{"api-version=v1&%zz", "api-version=v1", "api-version=v1"},
		{"api-version=", "", ""},
		{"API-Version=2024-10-21", "", ""},
		{"api-version=2024-10-21&api-version=2024-10-21", bad, bad},
		{"api-version=2024%26key=x", bad, bad},
		{"api-version=" + strings.Repeat("1", 32), "api-version=" + strings.Repeat("1", 32), ""},
		{"api-version=" + strings.Repeat("1", 33), bad, bad},
	} {
		for path, want := range map[string]string{deployed: c.deployment, chat: c.v1} {
			at := address(path)
			at.RawQuery = c.query
			call, err := dialect.Read(find(t, path), at, []byte(`{"model":"m","messages":[]}`))
			switch {
			case want == bad:
				if !errors.Is(err, fault.InvalidField) {
					t.Errorf("%s?%s: %v", path, c.query, err)
				}
			case err != nil || call.QueryFor("azure") != want || call.QueryFor("openai") != "":
				t.Errorf("%s?%s: %q, for others %q, %v", path, c.query, call.QueryFor("azure"), call.QueryFor("openai"), err)
			}
		}
	}
}

// TestOlderVersions do not know what is usually added.
func TestOlderVersions(t *testing.T) {
	for version, want := range map[string]bool{
		"2024-02-01": true, "2024-08-01-preview": true, "2024-09-01-preview": false, "2024-10-21": false,
		"2024-08-31": true, "2024-09-01": false, "2031-01-01": false, "2031-01-01-preview": false, "latest": false, "preview": false, "v1": false, "": false,
	} {
		at := address(deployed)
		at.RawQuery = "api-version=" + version
		call, err := dialect.Read(find(t, deployed), at, []byte(`{"messages":[]}`))
		if err != nil || call.Older() != want {
			t.Errorf("%q: %v, %v", version, call.Older(), err)
		}
	}
}
