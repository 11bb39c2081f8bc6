package main

import (
	"context"
	"time"

	"tollgate/api"
	"tollgate/client"
)

// keysRegenerateCmd gives a key another secret.
type keysRegenerateCmd struct {
	keyID   `embed:""`
	Quiet   bool          `short:"q" help:"Print only the key, for scripts."`
	Overlap dayOrDuration `placeholder:"TIME" help:"The old one works on for this long, 30d at most; without it, it stops at once."`
}

// Help shows examples.
func (keysRegenerateCmd) Help() string {
	return `Id, limits, budget and counters of the key stay.

Examples:

	tollgate keys regenerate key_0192…
	tollgate keys regenerate key_0192… --overlap 24h`
}

// Run makes the secret.
func (c *keysRegenerateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	made, err := cl.RegenerateKey(ctx, c.ID, api.RegenerateInput{OverlapSeconds: int64(time.Duration(c.Overlap) / time.Second)})
	if err != nil {
		return err
	}
	if c.Quiet {
		p.printf("%s\n", made.SecretKey)
		return nil
	}
	return p.print(made, func() {
		p.printf("Key %s (%s) has another secret.\n\n  %s\n\n", plain(made.APIKey.Name), made.APIKey.ID, made.SecretKey)
		p.printf("Copy it now: it is not shown again, only its hash is kept.\n\n")
		p.key(made.APIKey)
	})
}

// keysRevealCmd shows a secret again.
type keysRevealCmd struct {
	keyID  `embed:""`
	Reason string `required:"" placeholder:"TEXT" help:"Why it must be seen; the audit keeps it."`
	Quiet  bool   `short:"q" help:"Print only the key, for scripts."`
}

// Help shows examples.
func (keysRevealCmd) Help() string {
	return `Only what was made while the organization's recoverable was true is kept, sealed.

Examples:

	tollgate keys reveal key_0192… --reason 'the vault of the build was lost'`
}

// Run shows the secret.
func (c *keysRevealCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	shown, err := cl.RevealKey(ctx, c.ID, c.Reason)
	if err != nil {
		return err
	}
	if c.Quiet {
		p.printf("%s\n", shown.SecretKey)
		return nil
	}
	return p.print(shown, func() { p.printf("Key %s (%s):\n\n  %s\n", plain(shown.APIKey.Name), shown.APIKey.ID, shown.SecretKey) })
}

// keysExtendCmd moves a key's expiry.
type keysExtendCmd struct {
	keyID `embed:""`
	Days  int64 `required:"" placeholder:"N" help:"So many days from now, or from when it expires, whichever is later; 1 to 3650."`
}

// Help shows examples.
func (keysExtendCmd) Help() string {
	return `Examples:

	tollgate keys extend key_0192… --days 90`
}

// Run moves the expiry.
func (c *keysExtendCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if c.Days < 1 || c.Days > 3650 {
		return misuse("--days: %d is not from 1 to 3650", c.Days)
	}
	return p.showKey(cl.ExtendKey(ctx, c.ID, c.Days))
}

// keysRevokeCmd ends a key for good.
type keysRevokeCmd struct {
	keyID  `embed:""`
	Reason string `placeholder:"TEXT" help:"Why; it stays with the key."`
}

// Help shows examples.
func (keysRevokeCmd) Help() string {
	return `Examples:

	tollgate keys revoke key_0192… --reason 'was in a public repository'`
}

// Run revokes the key.
func (c *keysRevokeCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showKey(cl.RevokeKeyFor(ctx, c.ID, c.Reason))
}

// keysDeleteCmd deletes a key for good.
type keysDeleteCmd struct {
	keyID `embed:""`
	Purge bool `help:"Leave no trace of it in the list of keys, also of one that is deleted already."`
}

// Help shows examples.
func (keysDeleteCmd) Help() string {
	return `Usage and audit go on naming the key.

Examples:

	tollgate keys delete key_0192…
	tollgate keys delete key_0192… --purge`
}

// Run deletes the key.
func (c *keysDeleteCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	word, end := "Deleted", func() error { return cl.DeleteKey(ctx, c.ID) }
	if c.Purge {
		word, end = "Purged", func() error { return cl.PurgeKey(ctx, c.ID) }
	}
	if err := end(); err != nil {
		return err
	}
	return p.print(map[string]string{"deleted": c.ID}, func() { p.printf("%s %s.\n", word, c.ID) })
}

// keysCleanupCmd cleans up the keys that have expired.
type keysCleanupCmd struct{}

// Help shows examples.
func (keysCleanupCmd) Help() string {
	return `Each key is deleted or disabled, as its auto_delete_on_expiry says, or else the organization's
expired_keys. The server does the same once an hour; an expired key does not work either way.

Examples:

	tollgate keys cleanup
	tollgate keys cleanup --json`
}

// Run cleans up and shows how far that is.
func (c *keysCleanupCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	bar := p.progress("keys")
	done, err := cl.CleanUpKeys(ctx, bar.show)
	bar.end()
	if err != nil {
		return err
	}
	return p.print(done, func() {
		p.printf("Cleaned up %s: %s disabled, %s deleted. %s wiped.\n", counted(int64(done.Count), "expired key"),
			count(int64(done.Disabled)), count(int64(done.Deleted)), counted(int64(done.SecretsWiped), "old secret"))
	})
}
