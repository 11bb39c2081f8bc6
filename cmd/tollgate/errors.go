package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"

	"tollgate/client"
)

// usageError is a command line that makes no sense: nothing was tried.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func misuse(format string, args ...any) error {
	return usageError{err: fmt.Errorf(format, args...)}
}

// errSilent ends a command with exit code 1 when it has already said why.
var errSilent = errors.New("failed")

// fail prints an error with its hint and gives the exit code.
func (t *terminal) fail(err error) int {
	if !errors.Is(err, errSilent) {
		_, _ = fmt.Fprintf(t.stderr, "tollgate: %s\n", message(err))
		if h := hint(err); h != "" {
			_, _ = fmt.Fprintf(t.stderr, "hint: %s\n", h)
		}
	}
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

// message is the error in words; wrong fields go on lines of their own.
func message(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		server, _, _ := strings.Cut(u.URL, "/api/")
		return fmt.Sprintf("cannot reach %s: %v", shownURL(server), rootCause(err))
	}
	refused, ok := errors.AsType[*client.Error](err)
	if !ok {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(refused.Detail)
	if refused.Code != "" {
		fmt.Fprintf(&b, " (%s)", refused.Code)
	}
	for _, f := range refused.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", f.Field, f.Message)
	}
	return b.String()
}

// hint is what to try next, or nothing.
func hint(err error) string {
	if errors.As(err, new(usageError)) {
		return "tollgate --help lists the commands, tollgate COMMAND --help shows flags and examples"
	}
	if refused, ok := errors.AsType[*client.Error](err); ok {
		return refusalHint(refused)
	}
	return connectionHint(err)
}

func refusalHint(e *client.Error) string {
	switch e.Code {
	case "key_missing":
		return "set TOLLGATE_TOKEN to a management key (tgm_…); the first start of tollgate serve prints one"
	case "key_invalid", "key_expired", "key_disabled", "key_revoked":
		return "TOLLGATE_TOKEN must be a management key (tgm_…) of this server; keys of the data plane (tg_…) do not work here"
	case "permission_denied", "escalation_denied":
		return "use a management key with more permissions"
	case "not_found":
		return listHint(e.Detail)
	case "model_not_found":
		return "tollgate models list shows the models; one that is not listed needs its provider before its name"
	case "idempotency_conflict":
		return "use a fresh --idempotency-key for each change"
	case "key_quota_reached":
		return "tollgate organization update --max-keys-per-user N changes how many a user may have"
	case "last_owner":
		return "make another user owner first: tollgate users update ID --role owner"
	case "unlimited_balance":
		return "tollgate keys balance ID --open AMOUNT gives the key a balance"
	case "precondition_failed", "version_conflict":
		return "somebody changed it meanwhile; get it again and repeat the change"
	case "would_lift_restriction":
		return "an empty list would allow everything; say none to lift the restriction on purpose"
	case "store_unavailable":
		return "the server cannot reach its database; its log says why"
	case "internal":
		return fmt.Sprintf("the server's log has the cause under request id %s", e.RequestID)
	case "":
		return "is this address a Tollgate server? check TOLLGATE_URL"
	}
	if e.RetryAfter > 0 {
		return fmt.Sprintf("try again in %s", e.RetryAfter)
	}
	return ""
}

// listHint names the command that lists what was not found, by the noun in
// `There is no user "…".` and in "There is no user of this id."
func listHint(detail string) string {
	const hint = "tollgate %s list shows what there is, with their ids"
	_, rest, _ := strings.Cut(detail, "There is no ")
	noun, _, _ := strings.Cut(rest, ` "`)
	noun, _, _ = strings.Cut(noun, " of this id")
	command := strings.ReplaceAll(strings.TrimPrefix(noun, "API "), " ", "-") + "s"
	if strings.HasPrefix(detail, "There are no prices") {
		command = "prices"
	}
	for i := range reflect.TypeFor[commands]().NumField() {
		field := reflect.TypeFor[commands]().Field(i)
		if name := field.Tag.Get("name"); name == command || name == "" && strings.EqualFold(field.Name, command) {
			return fmt.Sprintf(hint, command)
		}
	}
	return "tollgate keys list, tollgate users list and their like show the ids of what there is"
}

func connectionHint(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the server did not answer in time; is it overloaded, or is TOLLGATE_URL another machine?"
	}
	if errors.As(err, new(tls.RecordHeaderError)) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return "the server speaks plain HTTP there: write http:// in TOLLGATE_URL"
	}
	if errors.As(err, new(x509.UnknownAuthorityError)) || errors.As(err, new(x509.HostnameError)) {
		return "the server's certificate is not trusted on this machine; SSL_CERT_FILE may name its authority"
	}
	if errors.As(err, new(*net.DNSError)) {
		return "the host in TOLLGATE_URL is not known; check its spelling"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "is `tollgate serve` running? set TOLLGATE_URL if it listens elsewhere"
	}
	return ""
}
