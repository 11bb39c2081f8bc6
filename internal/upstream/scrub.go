package upstream

import (
	"bytes"

	"tollgate/internal/secret"
)

// Scrub takes the provider's credential out of what the provider answered: some
// repeat it in their errors. b is returned as it is when it is not in there.
func (c *Client) Scrub(slug string, b []byte) []byte {
	t := c.targets[slug]
	if t == nil || t.credential == "" || !bytes.Contains(b, []byte(t.credential)) {
		return b
	}
	return bytes.ReplaceAll(b, []byte(t.credential), []byte(secret.Redacted))
}
