package keyset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tollgate/internal/secret"
	"tollgate/internal/vault"
)

// Wrapper is a key service: it encrypts a keyset with a key that never leaves it.
type Wrapper interface {
	Wrap(ctx context.Context, text secret.Text) (wrapped string, err error)
	Unwrap(ctx context.Context, wrapped string) (secret.Text, error)
	// String names the service and its key, for people.
	String() string
}

// File is a keyset in a file. It is safe for concurrent use as far as one process
// goes: nobody else may write the file.
type File struct {
	Path    string
	Wrapper Wrapper // nil = the file holds the keyset in the clear
}

var _ vault.Keysets = File{}

// String names the file.
func (f File) String() string {
	if f.Wrapper != nil {
		return f.Path + ", wrapped by " + f.Wrapper.String()
	}
	return f.Path
}

// wrapped is a file whose keyset is not in the clear.
type wrapped struct {
	Keyset string `json:"wrapped_keyset"`
	By     string `json:"wrapped_by"` // for people
}

// Load implements vault.Keysets. A file that others can read is made private; one
// in the clear is wrapped where there is a key service.
func (f File) Load(ctx context.Context) (*secret.Keyset, error) {
	if err := f.private(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(f.Path)
	if err != nil {
		return nil, fmt.Errorf("read the keyset: %w", err)
	}
	defer clear(text)
	var w wrapped
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, fmt.Errorf("the keyset %s cannot be read: it is not JSON", f)
	}
	switch {
	case w.Keyset == "":
		return f.bare(ctx, secret.New(string(text)))
	case f.Wrapper == nil:
		return nil, fmt.Errorf("the keyset %s is wrapped by %s, and no key service is configured: set vault.transit", f, w.By)
	}
	opened, err := f.Wrapper.Unwrap(ctx, w.Keyset)
	if err != nil {
		return nil, fmt.Errorf("unwrap the keyset %s: %w", f, err)
	}
	return f.parse(opened)
}

// bare is a keyset that was read in the clear.
func (f File) bare(ctx context.Context, text secret.Text) (*secret.Keyset, error) {
	k, err := f.parse(text)
	if err == nil && f.Wrapper != nil {
		err = f.Save(ctx, k)
	}
	return k, err
}

func (f File) parse(text secret.Text) (*secret.Keyset, error) {
	k, err := secret.ParseKeyset(text)
	if err != nil {
		return nil, fmt.Errorf("the keyset %s cannot be read: it %w", f, err)
	}
	return k, nil
}

// private takes other people's rights from the file.
func (f File) private() error {
	info, err := os.Stat(f.Path)
	if err != nil {
		return fmt.Errorf("read the keyset: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(f.Path, 0o600); err != nil {
		return fmt.Errorf("the keyset %s can be read by others (mode %v), and that cannot be mended: %w", f.Path, info.Mode().Perm(), err)
	}
	return nil
}

// Create implements vault.Keysets.
func (f File) Create(ctx context.Context, k *secret.Keyset) error {
	// A link fails where there is a file already; a rename would replace it.
	return f.write(ctx, k, os.Link)
}

// Save implements vault.Keysets.
func (f File) Save(ctx context.Context, k *secret.Keyset) error {
	return f.write(ctx, k, os.Rename)
}

// write writes a file beside it, brings it to the disk, and puts it in its place.
func (f File) write(ctx context.Context, k *secret.Keyset, place func(from, to string) error) error {
	text, err := f.encode(ctx, k)
	if err != nil {
		return err
	}
	dir := filepath.Dir(f.Path)
	beside, err := os.CreateTemp(dir, filepath.Base(f.Path)+".*.new") // for the owner's eyes only
	if err != nil {
		return fmt.Errorf("write the keyset: %w", err)
	}
	defer func() { _ = os.Remove(beside.Name()) }() // gone already after a rename
	_, err = beside.WriteString(text.Reveal())
	err = errors.Join(err, beside.Sync(), beside.Close())
	if err == nil {
		err = place(beside.Name(), f.Path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("write the keyset: %w", err)
	}
	return nil
}

// encode is the file's text.
func (f File) encode(ctx context.Context, k *secret.Keyset) (secret.Text, error) {
	text, err := k.Text()
	if err != nil || f.Wrapper == nil {
		return text, err
	}
	w := wrapped{By: f.Wrapper.String()}
	if w.Keyset, err = f.Wrapper.Wrap(ctx, text); err != nil {
		return secret.Text{}, fmt.Errorf("wrap the keyset: %w", err)
	}
	line, err := json.MarshalIndent(w, "", "  ")
	return secret.New(string(line) + "\n"), err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
