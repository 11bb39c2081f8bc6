package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/foreign"
)

// importReport is what came of a file.
type importReport struct {
	Source      string       `json:"source"`
	DryRun      bool         `json:"dry_run"`
	Created     int          `json:"created"`
	WouldCreate int          `json:"would_create"`
	Exists      int          `json:"exists"`
	Refused     int          `json:"refused"`
	Skipped     int          `json:"skipped"`
	Rows        []importLine `json:"rows"`
}

// The outcomes of a row that the server does not know.
const (
	outcomeRefused = "refused"
	outcomeSkipped = "skipped" // it is no key that could work
)

// importLine is what came of one row. It holds no secret, and no hash of one.
type importLine struct {
	Row         int              `json:"row"`
	SourceID    string           `json:"source_id,omitempty"`
	Name        string           `json:"name,omitempty"`
	Outcome     string           `json:"outcome"`
	Reason      string           `json:"reason,omitempty"`
	KeyID       *string          `json:"key_id,omitempty"`
	UserID      *string          `json:"user_id,omitempty"`
	UserCreated bool             `json:"user_created,omitempty"`
	SpentUSD    string           `json:"spent_usd,omitempty"`
	Errors      []api.FieldError `json:"errors,omitempty"`
	Notes       []api.FieldError `json:"notes,omitempty"`
}

// importRun is an import under way.
type importRun struct {
	client      *client.Client
	report      importReport
	createUsers bool
	progress    *progressBar
	size        int64 // of the file in bytes; 0 = not known
	read        *counter
	seen        map[string]int // secrets in the file, by the row that they were in
	batch       []api.ImportRow
	at          []int // of each row of the batch, its line in the report
	bytes       int   // of the batch
}

const (
	batchRows  = 100
	batchBytes = 800 << 10 // a body may have 1 MiB
)

// all imports every row. What was sent before an error is done.
func (r *importRun) all(ctx context.Context, rows *foreign.Rows, read func(foreign.Row) foreign.Record) error {
	for {
		row, err := rows.Next()
		if err != nil {
			done := r.send(ctx)
			if errors.Is(err, io.EOF) {
				return done
			}
			return errors.Join(done, err)
		}
		if err := r.add(ctx, read(row)); err != nil {
			return err
		}
	}
}

// add takes a row into the batch, unless there is nothing to send of it.
func (r *importRun) add(ctx context.Context, rec foreign.Record) error {
	name, _ := rec.Row.Key.Name.Get()
	line := importLine{Row: rec.Number, SourceID: rec.Row.SourceID, Name: name, Notes: fieldErrors(rec.Notes)}
	secret := rec.Row.Secret.Scheme + rec.Row.Secret.Digest
	switch first, twice := r.seen[secret]; {
	case rec.Skip != "":
		line.Outcome, line.Reason = outcomeSkipped, rec.Skip
		r.report.Skipped++
	case len(rec.Problem) > 0:
		line.Outcome, line.Errors = outcomeRefused, fieldErrors(rec.Problem)
		r.report.Refused++
	case twice:
		line.Outcome, line.Reason = outcomeRefused, fmt.Sprintf("it is the same key as in row %d", first)
		r.report.Refused++
	default:
		r.seen[secret] = rec.Number
	}
	if rec.Row.Spent != nil {
		line.SpentUSD = rec.Row.Spent.CostUSD
	}
	r.report.Rows = append(r.report.Rows, line)
	if line.Outcome != "" {
		return nil
	}
	text, err := json.Marshal(rec.Row)
	if err != nil {
		return err
	}
	if len(text) > batchBytes {
		last := &r.report.Rows[len(r.report.Rows)-1]
		last.Outcome, last.Reason = outcomeRefused, "it is too large to be sent"
		r.report.Refused++
		return nil
	}
	if len(r.batch) == batchRows || r.bytes+len(text) > batchBytes {
		if err := r.send(ctx); err != nil {
			return err
		}
	}
	r.batch, r.at, r.bytes = append(r.batch, rec.Row), append(r.at, len(r.report.Rows)-1), r.bytes+len(text)
	return nil
}

func fieldErrors(notes []foreign.Note) []api.FieldError {
	var list []api.FieldError
	for _, n := range notes {
		list = append(list, api.FieldError{Field: n.Field, Message: n.Text})
	}
	return list
}

// send sends the batch, again if it may help: what was done the first time is not
// done twice.
func (r *importRun) send(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	in := api.ImportInput{Source: r.report.Source, DryRun: r.report.DryRun, CreateUsers: r.createUsers, Rows: r.batch}
	answer, err := r.client.ImportKeys(ctx, in)
	for wait := time.Second; err != nil && mayPass(ctx, err) && wait <= 8*time.Second; wait *= 2 {
		select {
		case <-ctx.Done():
		case <-time.After(max(wait, retryAfter(err))):
			answer, err = r.client.ImportKeys(ctx, in)
		}
	}
	if err == nil && len(answer.Results) != len(r.batch) {
		err = fmt.Errorf("the server answered %d of %d rows; is it of another version?", len(answer.Results), len(r.batch))
	}
	if err != nil {
		r.unsent()
		return err
	}
	for i, result := range answer.Results {
		line := &r.report.Rows[r.at[i]]
		line.Outcome, line.KeyID, line.UserID, line.UserCreated = result.Outcome, result.KeyID, result.UserID, result.UserCreated
		line.Errors = result.Errors
		if len(line.Errors) == 0 && result.Detail != nil {
			line.Reason = *result.Detail
		}
	}
	r.report.Created += answer.Created
	r.report.WouldCreate += answer.WouldCreate
	r.report.Exists += answer.Exists
	r.report.Refused += answer.Refused
	r.batch, r.at, r.bytes = nil, nil, 0
	r.progress.showShare(r.read.n, r.size, len(r.report.Rows))
	return nil
}

// unsent takes rows out of the report of which it is not known what came of them.
func (r *importRun) unsent() {
	r.report.Rows = slices.DeleteFunc(r.report.Rows, func(l importLine) bool { return l.Outcome == "" })
	r.batch, r.at, r.bytes = nil, nil, 0
}

// mayPass reports whether the same call may succeed a moment later: the server or
// the way to it was in trouble.
func mayPass(ctx context.Context, err error) bool {
	refused, ok := errors.AsType[*client.Error](err)
	return ctx.Err() == nil && (!ok || refused.Status == http.StatusServiceUnavailable || refused.Status == http.StatusTooManyRequests ||
		refused.Status == http.StatusBadGateway || refused.Status == http.StatusGatewayTimeout)
}

func retryAfter(err error) time.Duration {
	if refused, ok := errors.AsType[*client.Error](err); ok {
		return min(refused.RetryAfter, 30*time.Second)
	}
	return 0
}
