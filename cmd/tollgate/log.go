package main

import (
	"bytes"
	"io"
	"log"
	"log/slog"

	"tollgate/internal/config"
)

// newLog is the server's log, to which what libraries write goes as well.
func newLog(cfg config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Level)) // validated; the zero level is info
	opts := &slog.HandlerOptions{Level: level}
	logger := slog.New(slog.NewJSONHandler(w, opts))
	if cfg.Format == "text" {
		logger = slog.New(slog.NewTextHandler(w, opts))
	}
	log.SetFlags(0)
	log.SetOutput(libraries{logger})
	return logger
}

// libraries takes the lines that libraries write to the standard log. net/http
// quotes there what a provider sent behind its answer, which can be anything: of
// a line, only what stands before a quotation mark is kept.
type libraries struct{ log *slog.Logger }

// Write logs one line.
func (l libraries) Write(line []byte) (int, error) {
	text, _, _ := bytes.Cut(line, []byte{'"'})
	l.log.Warn("a library says", "text", string(bytes.TrimSpace(text)))
	return len(line), nil
}
