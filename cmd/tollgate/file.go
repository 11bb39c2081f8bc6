package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// maxFileBytes is the largest body that a file may hold: what the server takes.
const maxFileBytes = 1 << 20

// fileFlag is a thing as a file, instead of its fields as flags.
type fileFlag struct {
	File string `placeholder:"FILE" help:"Take the fields from a JSON file, as get --json prints them; - is the standard input. Fields that cannot be set must say what is so."`
}

// read is the file's JSON.
func (f fileFlag) read(t *terminal) (json.RawMessage, error) {
	text, err := f.text(t)
	if err != nil {
		return nil, err
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("%s is larger than %d KiB", f.name(), maxFileBytes>>10)
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("%s is not JSON", f.name())
	}
	return text, nil
}

func (f fileFlag) text(t *terminal) ([]byte, error) {
	if f.File == "-" {
		return io.ReadAll(io.LimitReader(t.stdin, maxFileBytes+1))
	}
	file, err := os.Open(f.File)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, maxFileBytes+1))
}

func (f fileFlag) name() string {
	if f.File == "-" {
		return "the standard input"
	}
	return f.File
}

// change is how a thing is changed: by flags, or by a file. Exactly one must be
// given; flags is whether fields were.
func (f fileFlag) change(flags bool, example string) (byFile bool, err error) {
	switch {
	case f.File != "" && flags:
		return false, misuse("--file and fields as flags are two ways to say one thing: choose one")
	case f.File == "" && !flags:
		return false, misuse("nothing to change: name at least one field, such as %s", example)
	}
	return f.File != "", nil
}
