package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tollgate/api"
)

// UsageQuery narrows entries of the ledger to [From, To), and may group them. The
// zero value is the newest entries of all keys.
type UsageQuery struct {
	KeyID        string    // only this key's
	UserID       string    // only this owner's
	ChatbotID    string    // only through this chatbot
	CredentialID string    // only paid for with this provider credential
	Provider     string    // only of this provider
	Model        string    // only of this model, as it was sent
	Outcome      string    // settled, estimated, unconfirmed or failed
	From         time.Time // zero = from the first
	To           time.Time // zero = to the last
	GroupBy      []string  // sums by day, key, user, provider, model, chatbot or credential, or several of them, instead of entries
	After        string    // request id of the last entry already seen; Page then means nothing
	Page         int       // from 1; 0 = the first
	Size         int       // 1 to 1,000; 0 = 100, and in CSV all
}

func (q UsageQuery) encode() string {
	v := paging(q.Page, q.Size)
	setIf(v, "key_id", q.KeyID)
	setIf(v, "user_id", q.UserID)
	setIf(v, "chatbot_id", q.ChatbotID)
	setIf(v, "credential_id", q.CredentialID)
	setIf(v, "provider", q.Provider)
	setIf(v, "model", q.Model)
	setIf(v, "outcome", q.Outcome)
	setIf(v, "group_by", strings.Join(q.GroupBy, ","))
	setTime(v, "from", q.From)
	setTime(v, "to", q.To)
	setIf(v, "after", q.After)
	return suffix(v)
}

func setTime(v url.Values, name string, t time.Time) {
	if !t.IsZero() {
		v.Set(name, t.UTC().Format(time.RFC3339Nano))
	}
}

// Usage lists entries of the ledger, newest first; with GroupBy, sums of them.
func (c *Client) Usage(ctx context.Context, q UsageQuery) (api.UsageList, error) {
	return call[api.UsageList](ctx, c, http.MethodGet, "/usage"+q.encode(), nil)
}

// UsageCSV writes what Usage lists to w as CSV, with a line of names first. An
// error may come after a part has been written.
func (c *Client) UsageCSV(ctx context.Context, q UsageQuery, w io.Writer) error {
	return c.export(ctx, "/usage"+q.encode(), "text/csv", w)
}

// export writes an answer of a media type to w.
func (c *Client) export(ctx context.Context, path, mediaType string, w io.Writer) error {
	accept := func(h http.Header) { h.Set("Accept", mediaType) }
	req, err := c.request(ctx, http.MethodGet, path, nil, []CallOption{accept})
	if err != nil {
		return err
	}
	unhurried := *c.http // an export may take longer than a call
	unhurried.Timeout = 0
	resp, err := unhurried.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
		return errors.Join(err, errorFrom(resp, body))
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("the export was cut off: %w", err)
	}
	return nil
}

// KeyStats is what a key used in [start, end), day by day. A zero end is now, a
// zero start 30 days before the end.
func (c *Client) KeyStats(ctx context.Context, id string, start, end time.Time) (api.KeyStats, error) {
	v := url.Values{}
	setTime(v, "start", start)
	setTime(v, "end", end)
	return call[api.KeyStats](ctx, c, http.MethodGet, keyPath(id)+"/stats"+suffix(v), nil)
}
