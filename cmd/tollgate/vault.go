package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tollgate/api"
	"tollgate/client"
)

// vaultCmd is the keyset that stored secrets are sealed with.
type vaultCmd struct {
	remote `embed:""`
	Rotate vaultRotateCmd `cmd:"" help:"Seal everything that is stored with a fresh key, while requests go on."`
	Status vaultStatusCmd `cmd:"" help:"Show how far the latest rotation is."`
}

type vaultRotateCmd struct {
	Detach bool `help:"Begin, and do not wait for the end."`
}

// Help shows examples.
func (vaultRotateCmd) Help() string {
	return `Every secret can be opened all the while. Broken off, by whatever, it goes on where it was when it is run again. The old key is dropped when nothing is sealed with it any more.

Examples:

	tollgate vault rotate
	tollgate vault rotate --detach && tollgate vault status`
}

// pollEvery is how often it is asked how far a rotation is.
const pollEvery = 200 * time.Millisecond

// Run begins a rotation and follows it.
func (c *vaultRotateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	r, err := cl.RotateVault(ctx)
	shown := int64(-1)
	for err == nil && r.State == "running" && !c.Detach {
		if !p.json && r.Done != shown {
			_, _ = fmt.Fprintf(p.stderr, "%s of %s sealed anew\n", count(r.Done), count(r.Total))
			shown = r.Done
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
		r, err = cl.VaultRotation(ctx)
	}
	if err != nil {
		return err
	}
	if r.State == "failed" {
		return fmt.Errorf("the rotation was broken off: %s", plain(*r.Problem))
	}
	return p.showRotation(r)
}

type vaultStatusCmd struct{}

// Help shows examples.
func (vaultStatusCmd) Help() string {
	return `Examples:

	tollgate vault status
	tollgate vault status --json`
}

// Run shows the latest rotation.
func (vaultStatusCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	r, err := cl.VaultRotation(ctx)
	if err != nil {
		return err
	}
	return p.showRotation(r)
}

func (p *printer) showRotation(r api.VaultRotation) error {
	return p.print(r, func() {
		if r.State == "none" {
			p.printf("There was no rotation since the server was started.\n")
			return
		}
		rows := [][]string{{"state", r.State}, {"sealed anew", count(r.Done) + " of " + count(r.Total)}, {"began", instant(r.StartedAt)}, {"ended", instant(r.EndedAt)}}
		if r.KeyID != nil {
			rows = append(rows, []string{"key", *r.KeyID})
		}
		for _, k := range [][2]string{{"dropped", strings.Join(r.DroppedKeyIDs, ",")}, {"take out of vault.keyset", strings.Join(r.UnneededKeyIDs, ",")}} {
			if k[1] != "" {
				rows = append(rows, []string{k[0], k[1]})
			}
		}
		if r.Problem != nil {
			rows = append(rows, []string{"problem", plain(*r.Problem)})
		}
		p.table(rows)
	})
}
