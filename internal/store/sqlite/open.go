package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
)

// readers is how many queries can run at once beside the writer. Reads are
// look-ups of keys and pages of the management API; more connections than this
// cost memory and win nothing on the disks this store is meant for.
const readers = 4

//go:embed migrations/*.sql
var migrations embed.FS

// DB is an open database. It is safe for concurrent use.
type DB struct {
	write *sql.DB // one connection; its transactions begin with the write lock
	read  *sql.DB // a pool; the connections refuse to write
}

// Open opens the database file at path, makes it and its directory when they are
// missing (for the owner's eyes only: 0600 and 0700), and brings its schema up to
// date. Errors are of kind store_unavailable.
func Open(ctx context.Context, path string) (*DB, error) {
	db, err := open(ctx, path)
	if err != nil {
		return nil, Classify(err, "open the database "+path)
	}
	return db, nil
}

func open(ctx context.Context, path string) (*DB, error) {
	if err := private(path); err != nil {
		return nil, err
	}
	db := &DB{}
	var err error
	if db.write, err = connect(path, 1, url.Values{"_txlock": {"immediate"}}); err != nil {
		return nil, err
	}
	if err = migrate(ctx, db.write); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if db.read, err = connect(path, readers, url.Values{"_query_only": {"1"}}); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err = db.read.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close closes every connection. Transactions that are open end unwritten.
func (db *DB) Close() error {
	var errs []error
	// The writer goes last: it is the one that folds the log into the file.
	for _, pool := range []*sql.DB{db.read, db.write} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// private makes the file before SQLite does, because SQLite would make it
// readable by all, and takes other people's rights from one that exists. The
// -wal and -shm files beside it inherit its mode. A directory that exists is
// left as it is: it may be shared for a reason.
func private(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// connect makes a pool of at most n connections that stay open.
func connect(path string, n int, options url.Values) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	options.Set("_busy_timeout", "5000")
	options.Set("_foreign_keys", "1")
	options.Set("_journal_mode", "WAL")
	options.Set("_synchronous", "NORMAL")
	options.Set("_defensive", "1") // SQL alone cannot corrupt the file
	options.Set("_dqs", "0")       // a misspelt column is an error, not a string
	dsn := url.URL{Scheme: "file", Path: abs, RawQuery: options.Encode()}
	connections, err := newConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connections)
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	return pool, nil
}

// migrate applies the embedded migrations that the database has not seen, each
// in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true),
		goose.WithAllowOutofOrder(true)) // each part of the program counts in a range of its own
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
