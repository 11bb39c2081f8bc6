package client

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"tollgate/api"
)

// CleanUpKeys deletes or disables the keys that have expired, as each of them says,
// or else the organization. progress is told how far that is, and may be nil. What
// was done stays done when it is broken off.
func (c *Client) CleanUpKeys(ctx context.Context, progress func(done, total int), opts ...CallOption) (api.CleanedUp, error) {
	return long[api.CleanedUp](ctx, c, "/api-keys/cleanup", nil, "cleaning up", progress, opts)
}

// long posts a call that tells, line by line, how far it is, and what was done in
// the last one.
func long[T any](ctx context.Context, c *Client, path string, in any, doing string, progress func(done, total int), opts []CallOption) (T, error) {
	var end T
	lines := func(h http.Header) { h.Set("Accept", "application/x-ndjson") }
	req, err := c.request(ctx, http.MethodPost, path, in, append(opts, lines))
	if err != nil {
		return end, err
	}
	unhurried := *c.http // it may take longer than a call
	unhurried.Timeout = 0
	resp, err := unhurried.Do(req)
	if err != nil {
		return end, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
		return end, errors.Join(err, errorFrom(resp, body))
	}
	scanner := bufio.NewScanner(resp.Body)
	scanner.Buffer(nil, maxAnswerBytes)
	for scanner.Scan() {
		var line struct{ Done, Total *int }
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return end, fmt.Errorf("read how far %s is: %w", doing, err)
		}
		if line.Done == nil || line.Total == nil {
			err := json.Unmarshal(scanner.Bytes(), &end)
			return end, err
		}
		if progress != nil {
			progress(*line.Done, *line.Total)
		}
	}
	return end, fmt.Errorf("%s was broken off: %w", doing, cmp.Or(scanner.Err(), io.ErrUnexpectedEOF))
}
