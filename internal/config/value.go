package config

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/secret"
)

// Bytes is a size. In the file it is a whole number of bytes, or one with a
// unit: "32MiB".
type Bytes int64

// The units of sizes.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
)

// String is the size in the largest unit that divides it, like "32MiB".
func (b Bytes) String() string {
	for _, u := range byteUnits() {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

type byteUnit struct {
	name string
	size Bytes
}

func byteUnits() []byteUnit { return []byteUnit{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}} }

var (
	errBytes    = errors.New("want a size like 32MiB, 64KiB or a number of bytes")
	errDuration = errors.New("want a time like 30s, 5m or 1h")
	errInt      = errors.New("want a whole number")
	errBool     = errors.New("want true or false")
	errPrefix   = errors.New("want an IP address or a network like 10.0.0.0/8")
)

func parseBytes(s string) (Bytes, error) {
	unit := Bytes(1)
	for _, u := range byteUnits() {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			s, unit = strings.TrimSpace(number), u.size
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > math.MaxInt64/int64(unit) || n < math.MinInt64/int64(unit) {
		return 0, errBytes
	}
	return Bytes(n) * unit, nil
}

func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, errPrefix
	}
	return p.Masked(), nil
}

// setLeaf reads text into a field that is one value. handled is false for a
// field that is made of several.
func setLeaf(v reflect.Value, text string) (handled bool, err error) {
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = text
	case *secret.Text:
		*p = secret.New(strings.TrimSpace(text))
	case *bool:
		if text != "true" && text != "false" {
			return true, errBool
		}
		*p = text == "true"
	case *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return true, errInt
		}
		*p = n
	case *Bytes:
		return true, set(p, text, parseBytes, nil)
	case *time.Duration:
		return true, set(p, text, time.ParseDuration, errDuration)
	case *netip.Prefix:
		return true, set(p, text, parseNetwork, nil)
	case *money.Price:
		return true, set(p, text, money.ParsePrice, nil)
	default:
		return false, nil
	}
	return true, nil
}

// isLeaf reports whether setLeaf reads the type.
func isLeaf(t reflect.Type) bool {
	handled, _ := setLeaf(reflect.New(t).Elem(), "")
	return handled
}

// set parses text into p, which stays as it was when that fails. say replaces
// the parser's own error.
func set[T any](p *T, text string, parse func(string) (T, error), say error) error {
	v, err := parse(text)
	if err == nil {
		*p = v
		return nil
	}
	if say != nil {
		return say
	}
	return err
}

// show is a value as an error or the reference may show it, nothing for a
// secret.
func show(v any) string {
	if _, ok := v.(secret.Text); ok {
		return ""
	}
	if d, ok := v.(time.Duration); ok {
		return showDuration(d)
	}
	return fmt.Sprint(v)
}

// showDuration is d without the zero units that String adds: "1h", not "1h0m0s".
func showDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
