package authority

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/money"
)

// What came of a row that was to be imported.
const (
	ImportCreated     = "created"
	ImportWouldCreate = "would_create" // in a dry run
	ImportExists      = "exists"       // it was imported before
	ImportRefused     = "refused"      // Err says why
)

// ImportResult is what came of one row.
type ImportResult struct {
	SourceID string
	Outcome  string
	KeyID    string // of the key that was made, now or before; "" = none
	UserID   string // of its owner; "" = none, or not made yet
	MadeUser bool   // the owner was made for it, or would be
	Err      *fault.Error
}

// Opening is what a key has used elsewhere.
type Opening struct {
	OrganizationID, UserID, KeyID, KeyName string

	Source string // the system, without which one of them
	Cost   money.NanoUSD
	Tokens int64
	At     time.Time // zero = not known: lately
}

// Book stores what a key has used elsewhere, and runs record in the same
// transaction, which its context carries. It stores nothing if record fails.
type Book func(ctx context.Context, o Opening, record func(context.Context) error) error

// ImportKeys makes keys of the rows in body, each in a transaction of its own with
// its event and, through book, what it has used: secrets that another system made
// go on working. A row that was imported before changes nothing; in a dry run
// nothing is changed at all. A row that is refused does not hold up the others.
//
// Each row passes the same rules as CreateKey. Its owner is the user with the given
// address, who is made if body says so and there is none. Kinds: permission_denied,
// invalid_json, duplicate_field, validation_failed for what is not about one row,
// store_unavailable: then rows may have been imported.
func (a *Authority) ImportKeys(ctx context.Context, p Principal, body []byte, book Book) ([]ImportResult, error) {
	d := deed{p: p, action: "api_key.import", kind: "api_key"}
	results, err := a.importKeys(ctx, d, body, book)
	return results, a.refused(ctx, d, err)
}

func (a *Authority) importKeys(ctx context.Context, d deed, body []byte, book Book) ([]ImportResult, error) {
	if err := d.p.require(keysImport); err != nil {
		return nil, err
	}
	list, err := members(body)
	if err != nil {
		return nil, err
	}
	var b batch
	e := &edit[batch]{next: &b}
	e.apply(batchFields(), list)
	for _, name := range []string{"source", "rows"} {
		if !e.has(name) {
			e.fail(name, "is required")
		}
	}
	if err := e.err(); err != nil {
		return nil, err
	}
	if b.dryRun {
		check := d
		check.action = "api_key.import_check"
		if err := a.note(ctx, a.event(check)); err != nil {
			return nil, err
		}
	}
	results := make([]ImportResult, len(b.rows))
	for i, raw := range b.rows {
		if results[i], err = a.importRow(ctx, d, &b, raw, book); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// importRow imports one row. The error is one that ends the whole call.
func (a *Authority) importRow(ctx context.Context, d deed, b *batch, raw jsontext.Value, book Book) (ImportResult, error) {
	r, err := readImportRow(raw, a.instant())
	result := ImportResult{SourceID: r.sourceID}
	d.tells = importChanges(b, &r)
	if err == nil {
		result, err = a.importOne(ctx, d, b, &r, book)
	}
	if err == nil {
		return result, nil
	}
	known := fault.Of(err)
	if known.Kind == fault.StoreUnavailable || known.Kind == fault.Internal {
		return result, err
	}
	if !b.dryRun {
		if kept := a.refused(ctx, d, known); errors.Is(kept, fault.StoreUnavailable) {
			return result, fault.Wrap(fault.StoreUnavailable, kept, "The audit cannot be written at the moment. Try again shortly.")
		}
	}
	result.Outcome, result.Err = ImportRefused, known
	return result, nil
}

func (a *Authority) importOne(ctx context.Context, d deed, b *batch, r *importRow, book Book) (ImportResult, error) {
	result := ImportResult{SourceID: r.sourceID}
	if done, err := a.importedBefore(ctx, d, b, r, &result); done || err != nil {
		return result, err
	}
	if err := a.unused(ctx, r); err != nil {
		return result, err
	}
	if err := a.importOwner(ctx, d, b, r, &result); err != nil {
		return result, err
	}
	row, most, err := a.composeImported(ctx, d.p, b, r, result.UserID)
	if err != nil {
		return result, err
	}
	if b.dryRun {
		result.Outcome = ImportWouldCreate
		return result, nil
	}
	d.id, d.name = row.ID, row.Name
	done := act(a, d, keyFields(row.CreatedAt), nil, &row.Key)
	bots, err := a.grantEvents(ctx, d, &row, &done)
	if err != nil {
		return result, inside(err, "key.")
	}
	defer a.refreshChatbots(ctx, bots)
	create := func(ctx context.Context) error { return a.store.Keys.CreateKey(ctx, row, most, done) }
	if r.cost > 0 || r.tokens != nil && *r.tokens > 0 {
		err = book(ctx, r.opening(b, &row), create)
	} else {
		err = create(ctx)
	}
	a.foreign.add(r.secret.Scheme, r.secret.Lookup) // also after an error: it may have been stored
	a.guesses.imported()
	if isKind(err, fault.NameTaken) { // somebody was faster
		if done, again := a.importedBefore(ctx, d, b, r, &result); done || again != nil {
			return result, again
		}
		return result, alreadyHere()
	}
	if err != nil {
		return result, quota(err, most)
	}
	result.Outcome, result.KeyID = ImportCreated, row.ID
	return result, nil
}

// importedBefore reports whether the row was imported before, and fills in the
// result. Another secret under the same id is refused: it is another key, or the
// same system has begun anew.
func (a *Authority) importedBefore(ctx context.Context, d deed, b *batch, r *importRow, result *ImportResult) (bool, error) {
	past, err := a.store.Imports.ImportedKey(ctx, d.p.organizationID, b.source, r.sourceID)
	switch {
	case isNotFound(err):
		return false, nil
	case err != nil:
		return false, err
	case past.Fingerprint != r.secret.fingerprint(r.hash):
		return false, problem("source_id", "was imported before with another secret; if this is another installation, name it in source, like litellm/second")
	}
	result.Outcome, result.KeyID = ImportExists, past.KeyID
	return true, nil
}

// maxSameBeginning is how many keys of which only a bcrypt hash is known may begin
// alike: a caller's key is checked against all of them.
// And what that costs must fit into what checking may cost at once: the last of
// them could never be found otherwise.
const maxSameBeginning = 8

// unused refuses a secret that a key here has already.
func (a *Authority) unused(ctx context.Context, r *importRow) error {
	if r.secret.Scheme == SchemeSHA256 {
		_, err := a.store.Keys.KeyByHash(ctx, r.hash)
		if isNotFound(err) { // nor may a management key open the data plane
			_, err = a.store.Management.ManagementKeyByHash(ctx, r.hash)
		}
		switch {
		case err == nil:
			return alreadyHere()
		case isNotFound(err):
			return nil
		}
		return err
	}
	list, err := a.store.Imports.ForeignSecrets(ctx, r.secret.Scheme, r.secret.Lookup)
	if err != nil {
		return err
	}
	work := proofWork(r.secret.Proof)
	for _, s := range list {
		if s.fingerprint(key.Hash{}) == r.secret.fingerprint(key.Hash{}) {
			return alreadyHere()
		}
		work += proofWork(s.Proof)
	}
	if len(list) >= maxSameBeginning || work > guessWork {
		return problem("secret.prefix", "is how as many keys begin already that have not been used yet as can be checked; checking a key against more would take too long")
	}
	return nil
}

func alreadyHere() error {
	return problem("secret.digest", "belongs to a key that is here already")
}

// importOwner finds the row's owner, or makes them.
func (a *Authority) importOwner(ctx context.Context, d deed, b *batch, r *importRow, result *ImportResult) error {
	if r.email == "" {
		return nil
	}
	u, err := a.store.Imports.UserByEmail(ctx, d.p.organizationID, r.email)
	if err == nil {
		result.UserID = u.ID
		return nil
	}
	if !isNotFound(err) {
		return err
	}
	if !b.createUsers {
		return problem("owner.email", "is nobody's here; make the user first, or send create_users")
	}
	// Nobody is made for a key that is refused.
	if _, _, err := a.composeImported(ctx, d.p, b, r, ""); err != nil {
		return err
	}
	if b.dryRun {
		if err := d.p.require(usersCreate); err != nil {
			return err
		}
		u := User{Role: RoleUser, Status: StatusActive}
		err := inside(editUser(&edit[User]{next: &u}, r.owner()), "owner.")
		result.MadeUser = err == nil
		return err
	}
	body, err := json.Marshal(map[string]string{"email": r.email, "name": r.ownerName})
	if err != nil {
		return err
	}
	u, err = a.createUser(ctx, deed{p: d.p, action: "user.create", kind: "user"}, body)
	result.MadeUser = err == nil
	if isKind(err, fault.NameTaken) { // by a call that came at the same time
		u, err = a.store.Imports.UserByEmail(ctx, d.p.organizationID, r.email)
	}
	result.UserID = u.ID
	return inside(err, "owner.")
}

// composeImported is the row's key, with the secret that it had.
func (a *Authority) composeImported(ctx context.Context, p Principal, b *batch, r *importRow, userID string) (KeyRow, *int64, error) {
	// Whose it is, is said by the owner alone: without one it is nobody's, whoever
	// imports it.
	owner := jsontext.Value("null")
	if userID != "" {
		owner = jsontext.Value(`"` + userID + `"`)
	}
	row, most, err := a.composeRow(ctx, p, append(slices.Clone(r.key), member{"user_id", owner}))
	if err != nil {
		return KeyRow{}, nil, inside(err, "key.")
	}
	s := Secret{ID: newID("sec_"), Prefix: r.prefix, CreatedAt: row.CreatedAt}
	row.Prefix, row.Secrets, row.Hashes = s.Prefix, []Secret{s}, []key.Hash{r.hash}
	r.secret.SecretID = s.ID
	row.Import = &Import{Secret: r.secret, Imported: Imported{
		Source: b.source, SourceID: r.sourceID, KeyID: row.ID, Fingerprint: r.secret.fingerprint(r.hash), At: row.CreatedAt,
	}}
	return row, most, nil
}

// importChanges are what the event of an import tells beside the key's fields.
func importChanges(b *batch, r *importRow) []Change {
	text := func(s string) jsontext.Value {
		v, err := json.Marshal(s)
		if err != nil {
			return jsontext.Value(`"?"`)
		}
		return v
	}
	list := []Change{
		{"imported_from", jsontext.Value("null"), text(b.source + " " + r.sourceID)},
		{"secret_scheme", jsontext.Value("null"), text(string(r.secret.Scheme))},
	}
	if r.cost > 0 {
		list = append(list, Change{"spent_usd", jsontext.Value("null"), text(r.cost.String())})
	}
	return list
}
