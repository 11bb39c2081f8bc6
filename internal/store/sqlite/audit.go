package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
)

// changed is update that writes act beside what fn does, and gives a value that
// must be unique and is not the kind fault.NameTaken.
func (db *DB) changed(ctx context.Context, doing string, act authority.Act, fn func(*sql.Tx) error) error {
	err := db.update(ctx, doing, func(tx *sql.Tx) error {
		if err := fn(tx); err != nil {
			return taken(Classify(err, doing))
		}
		return record(ctx, tx, act)
	})
	return err
}

// record writes act in a transaction that changes something.
func record(ctx context.Context, tx *sql.Tx, act authority.Act) error {
	if act.Replay.Key != "" {
		if err := keepReplay(ctx, tx, act.Event.OrganizationID, act.Replay); err != nil {
			return err
		}
	}
	if err := appendEvent(ctx, tx, act.Event); err != nil {
		return err
	}
	for _, e := range act.Also {
		if err := appendEvent(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

func keepReplay(ctx context.Context, tx *sql.Tx, organizationID string, r authority.Replay) error {
	old := r.At.Add(-authority.ReplayWindow).UnixMilli()
	if _, err := tx.ExecContext(ctx, "DELETE FROM idempotency_keys WHERE at < ?", old); err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO idempotency_keys
		(organization_id, principal_id, idempotency_key, request_hash, resource_id, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`,
		organizationID, r.PrincipalID, r.Key, r.RequestHash[:], r.ResourceID, r.At.UnixMilli())
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fault.IdempotencyConflict, err)
	}
	return nil
}

func appendEvent(ctx context.Context, tx *sql.Tx, e authority.Event) error {
	head, err := auditHead(ctx, tx, e.OrganizationID)
	if err != nil {
		return err
	}
	e = e.After(head)
	columns := eventColumns(&e)
	if _, err := tx.ExecContext(ctx, insertInto("audit_events", columns), pointers(columns)...); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO audit_heads (organization_id, sequence, hash) VALUES (?, ?, ?)
		ON CONFLICT (organization_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash`,
		e.OrganizationID, e.Sequence, e.Hash[:])
	return err
}

// querier is a transaction or a pool.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func auditHead(ctx context.Context, q querier, organizationID string) (authority.AuditHead, error) {
	var head authority.AuditHead
	err := q.QueryRowContext(ctx, "SELECT sequence, hash FROM audit_heads WHERE organization_id = ?", organizationID).
		Scan(&head.Sequence, digest{(*[32]byte)(&head.Hash)})
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return head, err
}

// AppendEvent implements authority.AuditStore.
func (db *DB) AppendEvent(ctx context.Context, act authority.Act) error {
	return db.changed(ctx, "write the audit", act, func(*sql.Tx) error { return nil })
}

// AuditHead implements authority.AuditStore.
func (db *DB) AuditHead(ctx context.Context, organizationID string) (authority.AuditHead, error) {
	head, err := auditHead(ctx, db.read, organizationID)
	return head, Classify(err, "read the audit")
}

// EventsAfter implements authority.AuditStore.
func (db *DB) EventsAfter(ctx context.Context, organizationID string, sequence int64, n int) ([]authority.Event, error) {
	var where conditions
	where.add("organization_id = ? AND sequence > ?", organizationID, sequence)
	return db.events(ctx, where, "sequence LIMIT ?", n)
}

// ListEvents implements authority.AuditStore.
func (db *DB) ListEvents(ctx context.Context, organizationID string, f authority.EventFilter) ([]authority.Event, error) {
	return db.events(ctx, eventConditions(organizationID, f), "sequence DESC LIMIT ? OFFSET ?", f.Size, (max(f.Page, 1)-1)*f.Size)
}

// CountEvents implements authority.AuditStore.
func (db *DB) CountEvents(ctx context.Context, organizationID string, f authority.EventFilter) (int, error) {
	where, n := eventConditions(organizationID, f), 0
	err := db.read.QueryRowContext(ctx, "SELECT count(*) FROM audit_events WHERE "+strings.Join(where.terms, " AND "), where.args...).Scan(&n)
	return n, Classify(err, "count the audit")
}

func eventConditions(organizationID string, f authority.EventFilter) conditions {
	var where conditions
	where.add("organization_id = ?", organizationID)
	if f.ActorID != "" {
		where.add("(actor_id = ? OR actor_user_id = ?)", f.ActorID, f.ActorID)
	}
	if stem, wild := strings.CutSuffix(f.Action, "*"); wild {
		where.add("substr(action, 1, ?) = ?", len([]rune(stem)), stem)
	} else if f.Action != "" {
		where.add("action = ?", f.Action)
	}
	for column, value := range map[string]string{
		"resource_type": f.ResourceType, "resource_id": f.ResourceID, "outcome": f.Outcome,
	} {
		if value != "" {
			where.add(column+" = ?", value)
		}
	}
	if !f.From.IsZero() {
		where.add("at >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		where.add("at < ?", f.To.UnixMilli())
	}
	if f.Before > 0 {
		where.add("sequence < ?", f.Before)
	}
	return where
}

func (db *DB) events(ctx context.Context, where conditions, order string, args ...any) ([]authority.Event, error) {
	const doing = "read the audit"
	query := fmt.Sprintf("SELECT %s FROM audit_events WHERE %s ORDER BY %s",
		names(eventColumns(new(authority.Event))), strings.Join(where.terms, " AND "), order)
	rows, err := db.read.QueryContext(ctx, query, append(where.args, args...)...)
	if err != nil {
		return nil, Classify(err, doing)
	}
	list, err := scanAll(rows, eventColumns)
	return list, Classify(err, doing)
}

// Replayed implements authority.ReplayStore.
func (db *DB) Replayed(ctx context.Context, organizationID, principalID, idempotencyKey string, since time.Time) (authority.Replay, error) {
	var r authority.Replay
	err := db.one(ctx, "read the idempotency key", "idempotency_keys", []column{
		{"principal_id", &r.PrincipalID},
		{"idempotency_key", &r.Key},
		{"request_hash", digest{&r.RequestHash}},
		{"resource_id", &r.ResourceID},
		{"at", instant{&r.At}},
	}, "organization_id = ? AND principal_id = ? AND idempotency_key = ? AND at >= ?",
		organizationID, principalID, idempotencyKey, since.UnixMilli())
	return r, err
}

func eventColumns(e *authority.Event) []column {
	return []column{
		{"organization_id", &e.OrganizationID},
		{"sequence", &e.Sequence},
		{"at", instant{&e.At}},
		{"actor_id", &e.ActorID},
		{"actor_name", &e.ActorName},
		{"actor_user_id", &e.ActorUserID},
		{"ip", &e.IP},
		{"user_agent", &e.UserAgent},
		{"request_id", &e.RequestID},
		{"action", &e.Action},
		{"resource_type", &e.ResourceType},
		{"resource_id", &e.ResourceID},
		{"resource_name", &e.ResourceName},
		{"outcome", &e.Outcome},
		{"code", &e.Code},
		{"changes", &e.Changes},
		{"prev_hash", digest{(*[32]byte)(&e.PrevHash)}},
		{"hash", digest{(*[32]byte)(&e.Hash)}},
	}
}
