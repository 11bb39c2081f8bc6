package authority

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/credential"
)

// VerdictStore keeps what providers say of credentials. None of it is a change of
// a credential: its version stays.
type VerdictStore interface {
	// SetValidation writes a validation, and e unless it is nil, if the credential
	// still has this secret; false, and nothing happens, when it has not or is gone.
	SetValidation(ctx context.Context, row CredentialRow, e *Event) (bool, error)
	// DueCredentials gives at most n active credentials of any organisation that
	// were not checked since an instant, those that wait longest first.
	DueCredentials(ctx context.Context, since time.Time, n int) ([]CredentialRow, error)
}

// CheckCredential gives a credential to whoever is about to ask its provider for
// p. A positive expect is the version that the caller has seen. Kinds:
// permission_denied, not_found, precondition_failed, store_unavailable.
func (a *Authority) CheckCredential(ctx context.Context, p Principal, id string, expect int64) (*Payer, error) {
	row, err := a.reachCredential(ctx, p, id, credentialsUpdate)
	if err == nil {
		err = checkVersion(credentialWhat, expect, row.Version)
	}
	if err != nil {
		d := deed{p: p, action: "credential.validate", kind: "credential", id: id}
		return nil, a.refused(ctx, d, err)
	}
	return row.payer(), nil
}

// Judged keeps what a provider said of a credential, as it is then. It is dropped
// when the credential has another secret by now, or is gone. p asked for it; the
// zero Principal is the server itself, of which only what changes is kept in the
// audit. Kinds: not_found, store_unavailable.
func (a *Authority) Judged(ctx context.Context, p Principal, payer *Payer, verdict credential.Verdict) (Credential, error) {
	asked := p.organizationID != ""
	if !asked {
		p = system(payer.OrganizationID)
	}
	row, err := a.store.ProviderKeys.CredentialByID(ctx, payer.OrganizationID, payer.ID)
	if err != nil {
		return Credential{}, absent(err, credentialWhat, payer.ID)
	}
	if row.SecretID != payer.SecretID {
		return row.Credential, nil
	}
	before := row.Validation
	row.Validation = before.After(verdict, a.instant())
	var e *Event
	if changed := before.Verdict != row.Validation.Verdict; changed || asked {
		event := a.event(deed{p: p, action: "credential.validate", kind: "credential", id: row.ID, name: row.Name})
		event.Changes = a.veil.changes(verdictChange(before, row.Validation))
		e = &event
	}
	kept, err := a.store.Verdicts.SetValidation(ctx, row, e)
	if kept && before.Verdict != row.Validation.Verdict {
		a.refreshWallet(ctx, row.OrganizationID, row.UserID)
	}
	return row.Credential, err
}

func verdictChange(before, after credential.Validation) []Change {
	if before.Verdict == after.Verdict {
		return nil
	}
	shown := func(s credential.State) jsontext.Value {
		if s == "" {
			s = credential.Unknown
		}
		return quoted(string(s))
	}
	return []Change{{Field: "validation", From: shown(before.Verdict), To: shown(after.Verdict)}}
}

// DueCredentials are at most n active credentials that were not checked since an
// instant, those that wait longest first. Kinds: store_unavailable.
func (a *Authority) DueCredentials(ctx context.Context, since time.Time, n int) ([]*Payer, error) {
	rows, err := a.store.Verdicts.DueCredentials(ctx, since, n)
	payers := make([]*Payer, len(rows))
	for i := range rows {
		payers[i] = rows[i].payer()
	}
	return payers, err
}
