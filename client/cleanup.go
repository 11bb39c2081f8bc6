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
	lines := func(h http.Header) { h.Set("Accept", "application/x-ndjson") }
	req, err := c.request(ctx, http.MethodPost, "/api-keys/cleanup", nil, append(opts, lines))
	if err != nil {
		return api.CleanedUp{}, err
	}
	unhurried := *c.http // it may take longer than a call
	unhurried.Timeout = 0
	resp, err := unhurried.Do(req)
	if err != nil {
		return api.CleanedUp{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
		return api.CleanedUp{}, errors.Join(err, errorFrom(resp, body))
	}
	scanner := bufio.NewScanner(resp.Body)
	for scanner.Scan() {
		var line struct {
			api.Progress
			api.CleanedUp
			Ended *int `json:"count"`
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return api.CleanedUp{}, fmt.Errorf("read how far cleaning up is: %w", err)
		}
		if line.Ended != nil {
			line.Count = *line.Ended
			return line.CleanedUp, nil
		}
		if progress != nil {
			progress(line.Done, line.Total)
		}
	}
	return api.CleanedUp{}, fmt.Errorf("cleaning up was broken off: %w", cmp.Or(scanner.Err(), io.ErrUnexpectedEOF))
}
