package secret

import (
	"fmt"
	"log/slog"
)

// Redacted stands wherever a secret would have been printed.
const Redacted = "[redacted]"

// Text is a secret string. The zero value is no secret.
type Text struct{ v string }

// New makes a secret of v.
func New(v string) Text { return Text{v} }

// Reveal is the secret itself, for the one place that must send or hash it.
func (t Text) Reveal() string { return t.v }

// IsZero reports whether there is no secret.
func (t Text) IsZero() bool { return t.v == "" }

// String is "[redacted]".
func (t Text) String() string { return Redacted }

// GoString is "[redacted]".
func (t Text) GoString() string { return Redacted }

// Format writes "[redacted]" for every verb.
func (t Text) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(Redacted)) }

// MarshalText writes "[redacted]", for JSON, YAML and their like.
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue is "[redacted]".
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }
