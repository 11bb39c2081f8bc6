package tollgate_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference-coverage.md")

const coverageFile = "docs/reference-coverage.md"

const coverageHead = `<!-- Written by go test . -run TestReferenceCoverage -update. A test belongs to a line by its name, like TestB7_ExpiryIsAnInstant. -->

# What keys can do, and the tests that hold it

The functions of keys that Tollgate is measured by, a line each: A credentials of one's own for providers, B a key and its
rules, C the management API over keys, D chatbots and which keys open them, E prepaid keys, cleaning up and statistics. "open" is a
line that no test carries the name of yet.

| line | what | tests |
|---|---|---|
`

// coverageLines are the lines in their order, in a few words.
var coverageLines = [][2]string{
	{"A1", "credentials: owner, seven providers, names that are unique among live ones"},
	{"A2", "sealed at rest; shown by a few characters, and by none where it is short"},
	{"A3", "the keyset: made once, private, never missing unnoticed; rotation; sealed in its place"},
	{"A4", "active or not; one default at most for an owner and provider"},
	{"A5", "validation asks every provider; states, codes, and verdicts that trouble does not change"},
	{"A6", "counters come from the ledger"},
	{"A7", "daily and monthly token limits, requests and concurrency are ordinary limits; 0 denies"},
	{"A8", "settings by provider; secrets in them sealed; addresses judged when they are dialled"},
	{"A9", "order of lists; the default credential, or any active one"},
	{"A10", "one's own credential takes the platform's place: its limits, no platform cost, byok"},
	{"B1", "fields of a key are stored and shown: name, description, tags, owner, prefix, times"},
	{"B2", "of permissions only those that are true count; scopes gate routes"},
	{"B3", "request limits by minute, hour and day; defaults when left out, null is unlimited"},
	{"B4", "lists of models, endpoints, addresses, chatbots; an empty list never lifts one"},
	{"B5", "unlimited, or a budget in total, a day, week or month; contradictions are refused"},
	{"B6", "totals of requests, tokens and cost without losing parts of a cent"},
	{"B7", "expired from the very instant on; valid or not, and why"},
	{"B8", "extending the expiry, revoking for good, disabling for now"},
	{"B9", "presets default, restricted, chatbot"},
	{"B10", "the hash stays in the server; the owner's state counts"},
	{"B11", "every stored limit is enforced"},
	{"C1", "lists: pages, filters, search, order, and whose keys one may see"},
	{"C2", "read, change, delete, regenerate, usage, activate, deactivate: by owner or permission"},
	{"C3", "who may make a key for whom; ranges; every field can be set"},
	{"C4", "the secret is shown once; a create that is sent again makes one key"},
	{"C5", "regenerating keeps id, limits and counters; two secrets may overlap"},
	{"C6", "usage: totals, today, this hour, last use"},
	{"C7", "owners may tighten and never loosen"},
	{"C8", "every call is in the audit, refusals too, in the transaction of the change"},
	{"C9", "wrong input is never a fault of the server; versions stop lost updates"},
	{"C10", "deleting leaves a tombstone without secrets; purging takes that too"},
	{"C11", "revoking, disabling and tightening are in force at once"},
	{"D1", "chatbots: owner, address, model, prompt, temperature, longest answer; a grant for a key and a chatbot, once"},
	{"D2", "access modes; no key's end ever opens a chatbot; limits for callers without a key, by address"},
	{"D3", "whether some key opens a chatbot is never stale"},
	{"D4", "all grants of a chatbot are listed, with what each is worth"},
	{"D5", "the key that is sent must hold a live grant, and be of the chatbot's organization"},
	{"D6", "rotation, revocation, permissions, audit and usage by chatbot"},
	{"E1", "preset standalone: its defaults, null is unlimited"},
	{"E2", "look-up by hash; the key itself is not kept"},
	{"E3", "standalone keys belong to no user and count in no quota"},
	{"E4", "lists with and without standalone keys"},
	{"E5", "unknown fields are refused, null clears"},
	{"E6", "balance: granted, spent, held; postings with idempotency keys; never passed"},
	{"E7", "rate limit over the trailing minute: allowed, remaining, reset"},
	{"E8", "concurrency for each key; a slot is always given back"},
	{"E9", "cleaning up expired keys: delete, disable, or the configured default"},
	{"E10", "statistics by day in the organization's time zone, gaps filled"},
	{"E11", "an exhausted balance is 402 balance_exhausted"},
	{"E12", "keys limited to API formats"},
}

// TestReferenceCoverage: the document is made from the names of the tests.
func TestReferenceCoverage(t *testing.T) {
	tests, b := lineTests(t), strings.Builder{}
	b.WriteString(coverageHead)
	for _, line := range coverageLines {
		found := "open"
		if names := tests[line[0]]; names != nil {
			found = strings.Join(names, ", ")
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", line[0], line[1], found)
		delete(tests, line[0])
	}
	for line, names := range tests {
		t.Errorf("%v: there is no line %s", names, line)
	}
	if *update {
		if err := os.WriteFile(coverageFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(coverageFile); err != nil || string(got) != b.String() {
		t.Errorf("%s is not what the tests' names say (%v); run: go test . -run TestReferenceCoverage -update", coverageFile, err)
	}
}

var lineTest = regexp.MustCompile(`(?m)^func (Test([A-E][0-9]+)_\w+)\(`)

// lineTests are the tests that carry the name of a line, by line, in order.
func lineTests(t *testing.T) map[string][]string {
	t.Helper()
	tests := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range lineTest.FindAllSubmatch(text, -1) {
			line := string(m[2])
			tests[line] = append(tests[line], fmt.Sprintf("%s `%s`", filepath.ToSlash(filepath.Dir(path)), m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range tests {
		slices.Sort(names)
	}
	return tests
}
