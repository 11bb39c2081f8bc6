package authority_test

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// foreignRow is a row of an import: a secret as another system keeps it, and what
// more is to be said as JSON members.
func foreignRow(id, secret, more string) string {
	return fmt.Sprintf(`{"source_id":%q,"secret":%s,"key":{"name":%q}%s}`, id, secret, "imported "+id, more)
}

func bySHA256(text string) string {
	return fmt.Sprintf(`{"scheme":"sha256","digest":"%x"}`, sha256.Sum256([]byte(text)))
}

func byBcrypt(t testing.TB, text string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(text), cost)
	must(t, err)
	return fmt.Sprintf(`{"scheme":"bcrypt","digest":%q,"prefix":%q}`, hash, text[:8])
}

func byKnox(hashed []byte) string {
	return fmt.Sprintf(`{"scheme":"knox","digest":"%x"}`, sha512.Sum512(hashed))
}

// noBook is for rows that have spent nothing.
func noBook(context.Context, authority.Opening, func(context.Context) error) error {
	return errors.New("nothing is to be booked")
}

// bring imports rows as who, and gives the results.
func (h *house) bring(t testing.TB, who authority.Principal, more string, rows ...string) []authority.ImportResult {
	t.Helper()
	body := `{"source":"test"` + more + `,"rows":[` + strings.Join(rows, ",") + `]}`
	results, err := h.ImportKeys(t.Context(), who, []byte(body), noBook)
	must(t, err)
	return results
}

// brought imports one row that must be taken, and gives its key.
func (h *house) brought(t testing.TB, row string) authority.Key {
	t.Helper()
	r := h.bring(t, h.root, "", row)[0]
	if r.Outcome != authority.ImportCreated {
		t.Fatalf("%s: %v", r.Outcome, r.Err)
	}
	k, err := h.KeyByID(t.Context(), h.root, r.KeyID)
	must(t, err)
	return k
}

// importTap counts what is asked of the store about foreign secrets, and may fail.
type importTap struct {
	authority.ImportStore
	secrets, lookups, adoptions int
	adopt                       func(func() error) error
}

func (s *importTap) ForeignLookups(ctx context.Context, each func(authority.Scheme, []byte)) error {
	s.lookups++
	return s.ImportStore.ForeignLookups(ctx, each)
}

func (s *importTap) ForeignSecrets(ctx context.Context, scheme authority.Scheme, lookup []byte) ([]authority.ForeignSecret, error) {
	s.secrets++
	return s.ImportStore.ForeignSecrets(ctx, scheme, lookup)
}

func (s *importTap) AdoptSecret(ctx context.Context, f authority.ForeignSecret, hash key.Hash, now time.Time, act authority.Act) error {
	s.adoptions++
	call := func() error { return s.ImportStore.AdoptSecret(ctx, f, hash, now, act) }
	if s.adopt != nil {
		return s.adopt(call)
	}
	return call()
}

// counted is a house that counts what is asked of its store.
func counted(t *testing.T) (*house, *importTap, *int) {
	imports, byHash := &importTap{}, new(int)
	h := newHouse(t, func(s *authority.Store) {
		imports.ImportStore, s.Imports = s.Imports, imports
		s.Keys = &tap{KeyStore: s.Keys, byHash: func(_ context.Context, call func() (authority.KeyRow, error)) (authority.KeyRow, error) {
			*byHash++
			return call()
		}}
	})
	return h, imports, byHash
}

func TestE2_KeysOfOtherSystemsGoOnWorking(t *testing.T) {
	const hexToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	raw, err := hex.DecodeString(hexToken)
	must(t, err)
	long := "sk-" + strings.Repeat("x", 200)
	for name, tt := range map[string]struct{ text, secret string }{
		"SHA-256":                 {"sk-of-another-gateway", bySHA256("sk-of-another-gateway")},
		"SHA-256, short":          {"sk-1234", bySHA256("sk-1234")},
		"SHA-256, long":           {long, bySHA256(long)},
		"bcrypt":                  {"en_abcdefghijklmnopqrstuvwxyz012345", byBcrypt(t, "en_abcdefghijklmnopqrstuvwxyz012345", 4)},
		"Knox, hashed as bytes":   {hexToken, byKnox(raw)},
		"Knox, hashed as text":    {hexToken, byKnox([]byte(hexToken))},
		"Knox, with a prefix":     {"smarter_" + hexToken, byKnox([]byte("smarter_" + hexToken))},
		"Knox, prefix, as digits": {"smarter_" + hexToken, byKnox([]byte(hex.EncodeToString([]byte("smarter_" + hexToken))))},
	} {
		t.Run(name, func(t *testing.T) {
			h, imports, byHash := counted(t)
			_, err := h.Authenticate(t.Context(), tt.text)
			is(t, err, fault.KeyInvalid)
			k := h.brought(t, foreignRow("1", tt.secret, ""))
			for range 3 {
				if got := h.grant(t, tt.text).KeyID(); got != k.ID {
					t.Fatalf("the key is %s, want %s", got, k.ID)
				}
			}
			if *byHash > 2 || imports.secrets > 2 || imports.adoptions > 1 {
				t.Errorf("the store was asked %d + %d times and written %d times", *byHash, imports.secrets, imports.adoptions)
			}
			for _, wrong := range []string{tt.text + "x", tt.text[:len(tt.text)-1], strings.ToUpper(tt.text), " " + tt.text, tt.text + "\x00"} {
				_, err := h.Authenticate(t.Context(), wrong)
				is(t, err, fault.KeyInvalid)
			}
			// After a restart it is found by its hash alone.
			again := authority.New(h.store, authority.Options{})
			imports.secrets = 0
			g, err := again.Authenticate(t.Context(), tt.text)
			must(t, err)
			if g.KeyID() != k.ID || imports.secrets > 0 {
				t.Errorf("after a restart it is %s, found with %d look-ups of foreign secrets", g.KeyID(), imports.secrets)
			}
			// A change that comes after the first use is in force for it.
			_, err = h.RevokeKey(t.Context(), h.root, k.ID, nil, 0)
			must(t, err)
			if kind := h.verdict(t, tt.text); kind != fault.KeyRevoked {
				t.Errorf("revoked, and the verdict is %q", kind)
			}
		})
	}
}

// A flood of strangers is refused from memory: the store is asked once.
func TestStrangersCostNoLookUp(t *testing.T) {
	h, imports, byHash := counted(t)
	h.brought(t, foreignRow("1", bySHA256("sk-known"), ""))
	h.brought(t, foreignRow("2", byKnox([]byte("token")), ""))
	h.brought(t, foreignRow("3", byBcrypt(t, "en_abcdefgh", 4), ""))
	*byHash, imports.secrets = 0, 0
	_, own := h.key(t, `{"name":"own"}`)
	for i := range 1000 {
		for _, text := range []string{
			fmt.Sprintf("sk-stranger-%d", i), fmt.Sprintf("%064x", i), own[:len(own)-1] + "-", "tg_" + strings.Repeat("0", 38), strings.Repeat("x", 257+i),
		} {
			_, err := h.Authenticate(t.Context(), text)
			is(t, err, fault.KeyInvalid)
		}
	}
	if *byHash != 0 || imports.secrets != 0 || imports.lookups != 1 {
		t.Errorf("the store was asked %d + %d times, and loaded %d times", *byHash, imports.secrets, imports.lookups)
	}
}

// A secret that is here already is refused, that of a management key too: it must
// not come to open the data plane.
func TestSecretsThatAreHereAreNotImported(t *testing.T) {
	h := newHouse(t)
	_, own := h.key(t, `{"name":"own"}`)
	_, management, err := h.CreateManagementKey(t.Context(), h.root, []byte(`{"name":"m","permissions":["platform:usage:read"]}`))
	must(t, err)
	knox := foreignRow("1", byKnox([]byte("token")), "")
	h.brought(t, knox)
	for name, secret := range map[string]string{
		"a key": bySHA256(own), "a management key": bySHA256(management.Reveal()), "an imported one": byKnox([]byte("token")),
	} {
		for _, more := range []string{`,"dry_run":true`, ""} {
			r := h.bring(t, h.root, more, foreignRow("2", secret, ""))[0]
			if r.Outcome != authority.ImportRefused {
				t.Errorf("%s: %+v", name, r)
			}
			same(t, wrong(r.Err), []string{"secret.digest"})
		}
	}
	_, err = h.Authenticate(t.Context(), management.Reveal())
	is(t, err, fault.KeyInvalid)
}

// What a row becomes is said once; saying it again changes nothing.
func TestImportingAgainChangesNothing(t *testing.T) {
	h := newHouse(t)
	row := foreignRow("1", bySHA256("sk-1"), "")
	k := h.brought(t, row)
	again := h.bring(t, h.root, "", row, foreignRow("2", bySHA256("sk-2"), ""), row)
	if again[0].Outcome != authority.ImportExists || again[0].KeyID != k.ID || again[1].Outcome != authority.ImportCreated || again[2].Outcome != authority.ImportExists {
		t.Errorf("again: %+v", again)
	}
	for name, row := range map[string]string{
		"another secret under its id": foreignRow("1", bySHA256("sk-3"), ""),
		"its secret under another id": foreignRow("3", bySHA256("sk-1"), ""),
	} {
		if r := h.bring(t, h.root, "", row)[0]; r.Outcome != authority.ImportRefused || r.KeyID != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	must(t, h.DeleteKey(t.Context(), h.root, k.ID, 0))
	must(t, h.PurgeKey(t.Context(), h.root, k.ID))
	if r := h.bring(t, h.root, "", row)[0]; r.Outcome != authority.ImportExists {
		t.Errorf("a deleted key comes back: %+v", r)
	}
	_, err := h.Authenticate(t.Context(), "sk-1")
	is(t, err, fault.KeyInvalid)
}

func TestADryRunChangesNothing(t *testing.T) {
	h := newHouse(t)
	rows := []string{
		foreignRow("1", bySHA256("sk-1"), ""),
		foreignRow("2", bySHA256("sk-2"), `,"owner":{"email":"New@example.com"}`),
		foreignRow("3", bySHA256("sk-3"), `,"owner":{"email":"nonsense"}`),
		foreignRow("4", `{"scheme":"sha256","digest":"no"}`, ""),
	}
	results := h.bring(t, h.root, `,"dry_run":true,"create_users":true`, rows...)
	for i, want := range []string{authority.ImportWouldCreate, authority.ImportWouldCreate, authority.ImportRefused, authority.ImportRefused} {
		if results[i].Outcome != want || results[i].KeyID != "" {
			t.Errorf("row %d: %+v, want %s", i, results[i], want)
		}
	}
	if !results[1].MadeUser {
		t.Error("it is not said that a user would be made")
	}
	_, keys, err := h.ListKeys(t.Context(), h.root, authority.KeyFilter{})
	must(t, err)
	_, users, err := h.ListUsers(t.Context(), h.root, authority.UserFilter{})
	must(t, err)
	if keys+users != 0 {
		t.Errorf("%d keys and %d users were made", keys, users)
	}
	for _, text := range []string{"sk-1", "sk-2"} {
		_, err := h.Authenticate(t.Context(), text)
		is(t, err, fault.KeyInvalid)
	}
}

func TestImportedOwners(t *testing.T) {
	h := newHouse(t)
	ada := h.user(t, `{"email":"ada@example.com"}`)
	results := h.bring(t, h.root, "", foreignRow("1", bySHA256("sk-1"), `,"owner":{"email":"ADA@example.com"}`),
		foreignRow("2", bySHA256("sk-2"), `,"owner":{"email":"bob@example.com"}`), foreignRow("3", bySHA256("sk-3"), ""))
	if results[0].UserID != ada.ID || results[1].Outcome != authority.ImportRefused || results[2].UserID != "" {
		t.Errorf("%+v", results)
	}
	same(t, wrong(results[1].Err), []string{"owner.email"})
	results = h.bring(t, h.root, `,"create_users":true`, foreignRow("2", bySHA256("sk-2"), `,"owner":{"email":"Bob@example.com","name":"Bob"}`),
		foreignRow("4", bySHA256("sk-4"), `,"owner":{"email":"bob@example.com"}`))
	bob, err := h.UserByID(t.Context(), h.root, results[0].UserID)
	must(t, err)
	if bob.Email != "bob@example.com" || bob.Name != "Bob" || bob.Role != authority.RoleUser || !results[0].MadeUser || results[1].MadeUser || results[1].UserID != bob.ID {
		t.Errorf("%+v, %+v", bob, results)
	}
	if k := h.grant(t, "sk-4"); k.UserID() != bob.ID {
		t.Errorf("the owner is %q", k.UserID())
	}
}

// Nobody brings along more than they could make.
func TestC3_ImportingIsNoWayAroundPermissions(t *testing.T) {
	h := newHouse(t)
	ada := h.user(t, `{"email":"ada@example.com","role":"developer"}`)
	org := h.root.OrganizationID()
	body := []byte(`{"source":"test","create_users":true,"rows":[` + foreignRow("1", bySHA256("sk-1"), "") + `,` +
		foreignRow("2", bySHA256("sk-2"), `,"owner":{"email":"ada@example.com"}`) + `,` +
		foreignRow("3", bySHA256("sk-3"), `,"owner":{"email":"new@example.com"}`) + `]}`)
	for _, tt := range []struct {
		who  authority.Principal
		want string // the outcomes, or the kind of the refusal of all
	}{
		{h.as(t, org), "permission_denied"},
		{h.as(t, org, "platform:api-keys:create-any", "platform:users:create"), "permission_denied"},
		{h.actingFor(t, ada), "permission_denied"},
		{h.as(t, org, "platform:api-keys:import"), "refused refused refused"},
		{h.as(t, org, "platform:api-keys:import", "platform:api-keys:create-any"), "created created refused"},
		{h.root, "exists exists created"},
	} {
		checkOutcomes(t, h, tt.who, body, tt.want)
	}
	// Another organisation can neither take these secrets nor learn whose they are.
	abroad := h.as(t, "org_abroad", "*")
	checkOutcomes(t, h, abroad, body, "refused refused refused")
	events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{Action: "api_key.import", Outcome: authority.OutcomeRefused, Size: 100})
	must(t, err)
	rows := 0
	for _, e := range events {
		if strings.Contains(e.Changes, `"field":"imported_from"`) {
			rows++
		}
	}
	if len(events) != 3+3+1 || rows != 3+1 {
		t.Errorf("%d refusals are kept, %d of rows", len(events), rows)
	}
}

func checkOutcomes(t *testing.T, h *house, who authority.Principal, body []byte, want string) {
	t.Helper()
	results, err := h.ImportKeys(t.Context(), who, body, noBook)
	got := string(fault.Of(err).Kind)
	if err == nil {
		var words []string
		for _, r := range results {
			words = append(words, r.Outcome)
		}
		got = strings.Join(words, " ")
	}
	if got != want {
		t.Errorf("%s, want %s (%+v)", got, want, results)
	}
}

// Every wrong field of a row is named at once, and the other rows go on.
func TestC9_WrongRowsAreRefusedByField(t *testing.T) {
	h := newHouse(t)
	for name, tt := range map[string]struct {
		row  string
		want []string
	}{
		"nothing in it":    {`{"source_id":"","secret":{},"key":{}}`, []string{"source_id"}},
		"unknown":          {`{"source_id":"1","secret":{"scheme":"sha256","digest":"","salt":1},"key":{},"x":1}`, []string{"secret.digest", "secret.salt", "x"}},
		"scheme":           {`{"source_id":"1","secret":{"scheme":"md5","digest":"00"},"key":{"name":"a"}}`, []string{"secret.scheme"}},
		"no scheme":        {`{"source_id":"1","secret":{"digest":"00"},"key":{"name":"a"}}`, []string{"secret.digest"}},
		"no hash":          {`{"source_id":"1","secret":{"scheme":"sha256","digest":"` + strings.Repeat("0", 64) + `"},"key":{"name":"a"}}`, []string{"secret.digest"}},
		"half a digest":    {`{"source_id":"1","secret":{"scheme":"knox","digest":"` + strings.Repeat("a", 64) + `"},"key":{"name":"a"}}`, []string{"secret.digest"}},
		"bcrypt, no hint":  {`{"source_id":"1","secret":{"scheme":"bcrypt","digest":"$2b$04$` + strings.Repeat("a", 53) + `"},"key":{"name":"a"}}`, []string{"secret.digest"}},
		"bcrypt, dear":     {`{"source_id":"1","secret":{"scheme":"bcrypt","prefix":"12345678","digest":"$2b$15$` + strings.Repeat("a", 53) + `"},"key":{"name":"a"}}`, []string{"secret.digest"}},
		"bcrypt, broken":   {`{"source_id":"1","secret":{"scheme":"bcrypt","prefix":"12345678","digest":"$2x$04$` + strings.Repeat("a", 53) + `"},"key":{"name":"a"}}`, []string{"secret.digest"}},
		"long hint":        {`{"source_id":"1","secret":{"scheme":"sha256","prefix":"123456789","digest":"` + strings.Repeat("1", 64) + `"},"key":{"name":"a"}}`, []string{"secret.prefix"}},
		"the key's fields": {foreignRowWith(`{"name":"","rate_limit_per_minute":0,"budget_limit_cents":-1,"nonsense":1}`, ""), []string{"key.budget_limit_cents", "key.name", "key.nonsense", "key.rate_limit_per_minute"}},
		"expired":          {foreignRowWith(`{"name":"a","expires_at":"2020-01-01T00:00:00Z"}`, ""), []string{"key.expires_at"}},
		"an owner inside":  {foreignRowWith(`{"name":"a","user_id":"user_1"}`, ""), []string{"key"}},
		"a preset":         {foreignRowWith(`{"name":"a","preset":"default"}`, ""), []string{"key"}},
		"owner, no email":  {foreignRowWith(`{"name":"a"}`, `,"owner":{"name":"x"}`), []string{"owner.email"}},
		"spent":            {foreignRowWith(`{"name":"a"}`, `,"spent":{"cost_usd":1.5,"tokens":-1,"at":"2999-01-01T00:00:00Z"}`), []string{"spent.at", "spent.cost_usd", "spent.tokens"}},
		"spent too much":   {foreignRowWith(`{"name":"a"}`, `,"spent":{"cost_usd":"1000000000.000000001","tokens":1.5}`), []string{"spent.cost_usd", "spent.tokens"}},
		"gave money back":  {foreignRowWith(`{"name":"a"}`, `,"spent":{"cost_usd":"-1"}`), []string{"spent.cost_usd"}},
	} {
		results := h.bring(t, h.root, "", tt.row, foreignRow("good "+name, bySHA256(name), ""))
		if results[0].Outcome != authority.ImportRefused || results[1].Outcome != authority.ImportCreated {
			t.Errorf("%s: %+v", name, results)
			continue
		}
		same(t, wrong(results[0].Err), tt.want)
	}
	for name, body := range map[string]string{
		"no JSON": `{`, "nothing": `{}`, "no rows": `{"source":"a","rows":[]}`, "source": `{"source":"A B","rows":[{}]}`, "twice": `{"source":"a","source":"a","rows":[{}]}`,
		"many": `{"source":"a","rows":[` + strings.Repeat("{},", 100) + `{}]}`, "rows": `{"source":"a","rows":{}}`,
		"no row": `{"source":"a","rows":[[]]}`, "an empty row": `{"source":"a","rows":[{}]}`, "half a row": `{"source":"a","rows":[{"source_id":"1","secret":{},"key":null}]}`, "dry": `{"source":"a","rows":[{}],"dry_run":1}`,
	} {
		_, err := h.ImportKeys(t.Context(), h.root, []byte(body), noBook)
		if kind := fault.Of(err).Kind; kind != fault.ValidationFailed && kind != fault.InvalidJSON && kind != fault.DuplicateField {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func foreignRowWith(fields, more string) string {
	return `{"source_id":"with","secret":` + bySHA256("sk-with") + `,"key":` + fields + more + `}`
}

// The audit tells that a key was imported and from where, and no secret.
func TestC8_ImportsAreInTheAudit(t *testing.T) {
	h := newHouse(t)
	k := h.brought(t, foreignRow("42", byBcrypt(t, "en_abcdefgh", 4), ""))
	h.grant(t, "en_abcdefgh")
	events, err := h.ListEvents(t.Context(), h.root, authority.EventFilter{ResourceID: k.ID})
	must(t, err)
	var actions []string
	for _, e := range events {
		actions = append(actions, e.Action)
		if strings.Contains(e.Changes, "$2") || strings.Contains(e.Changes, "en_abcdefgh") {
			t.Errorf("the event %s holds a secret: %s", e.Action, e.Changes)
		}
	}
	same(t, actions, []string{"api_key.adopt", "api_key.get", "api_key.import"})
	if !strings.Contains(events[2].Changes, `"to":"test 42"`) {
		t.Errorf("where it came from is not told: %s", events[2].Changes)
	}
	v, err := h.VerifyAudit(t.Context(), h.root, authority.AuditHead{}, nil)
	must(t, err)
	if len(v.Broken) > 0 {
		t.Errorf("the audit is broken: %v", v.Broken)
	}
	shown, err := json.Marshal(k)
	must(t, err)
	if strings.Contains(string(shown), "$2") {
		t.Error("the hash is shown")
	}
}
