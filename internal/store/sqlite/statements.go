package sqlite

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"

	driver "modernc.org/sqlite"
)

// maxPrepared bounds the statements that a connection keeps; the program has fewer,
// but for lists, whose filters make many.
const maxPrepared = 100

// connector opens connections that keep the statements they have prepared:
// compiling a short statement takes longer than running it.
type connector struct{ sqldriver.Connector }

// Connect opens a connection.
func (c connector) Connect(ctx context.Context) (sqldriver.Conn, error) {
	raw, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := raw.(rawConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks what a connection needs"), raw.Close())
	}
	return &preparedConn{rawConn: conn, idle: map[string]sqldriver.Stmt{}}, nil
}

func newConnector(dsn string) (sqldriver.Connector, error) {
	base, err := driver.NewConnector(dsn)
	return connector{base}, err
}

// rawConn is the part of a connection of the driver that database/sql asks for, and
// that does not run statements.
type rawConn interface {
	sqldriver.ConnBeginTx
	sqldriver.ConnPrepareContext
	sqldriver.Pinger
	session
}

type session interface {
	sqldriver.Conn
	sqldriver.SessionResetter
	sqldriver.Validator
}

// preparedConn is one connection. Like every connection of database/sql it is used
// by one goroutine at a time. A statement that is in use is not among idle, so a
// query that is run while its own rows are read gets another one.
type preparedConn struct {
	rawConn
	idle map[string]sqldriver.Stmt // by their text
}

// Close closes the statements and the connection.
func (c *preparedConn) Close() error { return errors.Join(c.forget(), c.rawConn.Close()) }

func (c *preparedConn) forget() error {
	var errs []error
	for _, st := range c.idle {
		errs = append(errs, st.Close())
	}
	clear(c.idle)
	return errors.Join(errs...)
}

// ExecContext runs a statement that gives no rows.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Result, error) {
	st, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := st.(sqldriver.StmtExecContext).ExecContext(ctx, args)
	return result, errors.Join(err, c.give(query, st, err))
}

// QueryContext runs a statement that gives rows. It is in use until they are closed.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []sqldriver.NamedValue) (sqldriver.Rows, error) {
	st, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := st.(sqldriver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, errors.Join(err, c.give(query, st, err))
	}
	return &preparedRows{Rows: rows, give: func(err error) error { return c.give(query, st, err) }}, nil
}

// take gives a statement that nobody uses.
func (c *preparedConn) take(ctx context.Context, query string) (sqldriver.Stmt, error) {
	if st, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return st, nil
	}
	return c.PrepareContext(ctx, query)
}

// give takes a statement back. One that failed is not kept, nor a second one of
// the same text.
func (c *preparedConn) give(query string, st sqldriver.Stmt, failed error) error {
	if _, ok := c.idle[query]; ok || failed != nil {
		return st.Close()
	}
	var err error
	if len(c.idle) >= maxPrepared {
		err = c.forget()
	}
	c.idle[query] = st
	return err
}

// preparedRows gives its statement back when it is closed.
type preparedRows struct {
	sqldriver.Rows
	give func(error) error // nil once it is closed
}

// Close ends the rows.
func (r *preparedRows) Close() error {
	if r.give == nil {
		return nil
	}
	err := r.Rows.Close()
	give := r.give
	r.give = nil
	return errors.Join(err, give(err))
}
