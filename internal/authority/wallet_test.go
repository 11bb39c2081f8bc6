package authority_test

import (
	"context"
	"sync/atomic"
	"testing"

	"tollgate/internal/authority"
)

// walletTap comes in between the reading of an owner's credentials and what becomes
// of it.
type walletTap struct {
	authority.CredentialStore
	reads atomic.Int32
	after func()
}

func (s *walletTap) CredentialsOf(ctx context.Context, organizationID, userID string) ([]authority.CredentialRow, error) {
	rows, err := s.CredentialStore.CredentialsOf(ctx, organizationID, userID)
	if s.reads.Add(1) == 1 && s.after != nil {
		s.after()
	}
	return rows, err
}

// What is being read while all credentials are forgotten was sealed with the key that
// is going, and is read again.
func TestA3_WhatIsBeingReadIsForgottenToo(t *testing.T) {
	tap := &walletTap{}
	h := newHouse(t, func(s *authority.Store) {
		tap.CredentialStore = s.ProviderKeys
		s.ProviderKeys = tap
	})
	_, text := h.key(t, `{"name":"k"}`)
	tap.reads.Store(0)
	tap.after = func() { h.ForgetCredentials() }
	_, err := h.Authenticate(t.Context(), text)
	must(t, err)
	if n := tap.reads.Load(); n != 2 {
		t.Errorf("read %d times", n)
	}
	// What is known is forgotten as before.
	g, err := h.Authenticate(t.Context(), text)
	must(t, err)
	h.ForgetCredentials()
	_, err = h.Wallet(t.Context(), g)
	must(t, err)
	if n := tap.reads.Load(); n != 3 {
		t.Errorf("read %d times", n)
	}
}
