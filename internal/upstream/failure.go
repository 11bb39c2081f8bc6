package upstream

import (
	"context"
	"errors"
	"net"
	"strings"
)

// Errors of Do.
var (
	// ErrNotSent: no byte of the request's body left this process.
	ErrNotSent = errors.New("the request was not sent")
	// ErrTimeout: the request was sent, and no answer began in time.
	ErrTimeout = errors.New("no answer in time")
)

// failure is an error of Do. Its text is for the log: it names the provider and
// what went wrong, and holds no credential, URL query or part of an answer.
type failure struct {
	provider string
	kind     error // ErrNotSent, ErrTimeout, or nil: it may have been served
	cause    error
	context  error // what the caller's context says; nil while it goes on
}

// Error says what happened and why.
func (f *failure) Error() string {
	what := "the connection was lost before an answer"
	if f.kind != nil {
		what = f.kind.Error()
	}
	return "provider " + f.provider + ": " + what + ": " + f.cause.Error()
}

// Unwrap gives the kind, the cause and the context's error to errors.Is.
func (f *failure) Unwrap() []error {
	all := []error{f.cause}
	if f.kind != nil {
		all = append(all, f.kind)
	}
	if f.context != nil {
		all = append(all, f.context)
	}
	return all
}

// failure classifies what the transport returned. unsent tells that none of the
// body was taken; a request without a body was not sent when nobody was reached.
func (t *target) failure(ctx context.Context, err error, unsent bool) error {
	f := &failure{provider: t.slug, cause: t.scrub(err), context: ctx.Err()}
	var network net.Error
	var op *net.OpError
	switch {
	case unsent, errors.As(err, &op) && op.Op == "dial":
		f.kind = ErrNotSent
	case errors.Is(f.context, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		f.kind = ErrTimeout
	}
	return f
}

// scrub keeps an error whose text is harmless, and gives a clean copy of one that
// repeats the credential or a line of the answer.
func (t *target) scrub(err error) error {
	text := err.Error()
	clean := t.clean.Text(text)
	if before, _, found := strings.Cut(clean, "malformed"); found {
		clean = before + "malformed answer"
	}
	if clean == text {
		return err
	}
	return errors.New(clean)
}
