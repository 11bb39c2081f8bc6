package money

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// NanoUSD is an amount of money in billionths of a US dollar. The zero value is
// nothing. It holds up to about 9.2 billion dollars; arithmetic here saturates
// rather than wraps.
type NanoUSD int64

// Price is what one million units (tokens, characters, seconds, images, search
// units) cost, in millionths of a US dollar: 150_000 is $0.15 a million. The
// zero value is free.
type Price int64

const (
	// USD is one dollar.
	USD NanoUSD = 1_000_000_000
	// Cent is a hundredth of a dollar.
	Cent NanoUSD = USD / 100
	// Max is the greatest amount; saturated results equal it.
	Max NanoUSD = math.MaxInt64
)

// ErrSyntax is returned by ParseUSD and ParsePrice for text that is not a plain
// decimal number.
var ErrSyntax = errors.New("not a decimal number of US dollars, like 12.50")

// ErrRange is returned by ParseUSD and ParsePrice for a number that does not fit
// or is finer than the unit.
var ErrRange = errors.New("out of range or too many decimal places")

// Cost is what n units cost at price p, rounded once, half to even. Negative
// counts cost nothing; a result that does not fit is Max.
func (p Price) Cost(n int64) NanoUSD {
	q, r, ok := p.times(n)
	if !ok {
		return Max
	}
	if r > 500 || (r == 500 && q&1 == 1) {
		q++
	}
	return saturate(q)
}

// CostUp is what n units cost at most at price p: the same product, rounded up.
// Holds are made of it.
func (p Price) CostUp(n int64) NanoUSD {
	q, r, ok := p.times(n)
	if !ok {
		return Max
	}
	if r > 0 {
		q++
	}
	return saturate(q)
}

// Share is so many percent of a price, 0 to 100, rounded up.
func (p Price) Share(percent int64) Price {
	whole, rest := int64(p)/100, int64(p)%100
	return Price(whole*percent + (rest*percent+99)/100)
}

// Affords is the greatest number of units whose CostUp is at most amount. A
// free price affords math.MaxInt64; a negative amount affords nothing.
func (p Price) Affords(amount NanoUSD) int64 {
	if amount < 0 {
		return 0
	}
	if p <= 0 {
		return math.MaxInt64
	}
	hi, lo := bits.Mul64(uint64(amount), 1000)
	if hi >= uint64(p) {
		return math.MaxInt64
	}
	n, _ := bits.Div64(hi, lo, uint64(p))
	if n > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(n)
}

// times is n×p/1000 as quotient and remainder; ok is false when the quotient
// does not fit in 64 bits. Nano-dollars per unit are p/1000, since
// p micro-dollars per 10⁶ units = p×10³ nano-dollars per 10⁶ units.
func (p Price) times(n int64) (q, r uint64, ok bool) {
	if n <= 0 || p <= 0 {
		return 0, 0, true
	}
	hi, lo := bits.Mul64(uint64(n), uint64(p))
	if hi >= 1000 {
		return 0, 0, false
	}
	q, r = bits.Div64(hi, lo, 1000)
	return q, r, true
}

func saturate(q uint64) NanoUSD {
	if q > math.MaxInt64 {
		return Max
	}
	return NanoUSD(q)
}

// Add is a+b, saturating at both ends.
func (a NanoUSD) Add(b NanoUSD) NanoUSD {
	s := a + b
	if a > 0 && b > 0 && s < 0 {
		return Max
	}
	if a < 0 && b < 0 && s >= 0 {
		return math.MinInt64
	}
	return s
}

// Cents is the amount in whole cents, rounded half to even: a view for people
// and old clients, never a value to calculate with.
func (a NanoUSD) Cents() int64 {
	q, r := int64(a/Cent), int64(a%Cent)
	half := int64(Cent / 2)
	switch {
	case r > half || (r == half && q&1 == 1):
		q++
	case r < -half || (r == -half && q&1 == 1):
		q--
	}
	return q
}

// FromCents is c cents, saturating.
func FromCents(c int64) NanoUSD {
	hi, lo := bits.Mul64(uint64(max(c, -c)), uint64(Cent))
	if hi != 0 || lo > math.MaxInt64 {
		if c < 0 {
			return math.MinInt64
		}
		return Max
	}
	return NanoUSD(c * int64(Cent))
}

// String is the amount in dollars as a plain decimal, without a sign for the
// currency and without trailing zeros beyond the cents: "0.00", "12.50",
// "0.000150001".
func (a NanoUSD) String() string {
	var buf [24]byte
	return string(a.Append(buf[:0]))
}

// Append appends what String returns to b.
func (a NanoUSD) Append(b []byte) []byte {
	u := uint64(a)
	if a < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/uint64(USD), 10)
	b = append(b, '.')
	frac := u % uint64(USD)
	var digits [9]byte
	for i := 8; i >= 0; i-- {
		digits[i] = byte('0' + frac%10)
		frac /= 10
	}
	n := 9
	for n > 2 && digits[n-1] == '0' {
		n--
	}
	return append(b, digits[:n]...)
}

// MarshalText writes the amount as String does, so JSON shows it as a string.
func (a NanoUSD) MarshalText() ([]byte, error) { return a.Append(nil), nil }

// UnmarshalText reads what ParseUSD reads.
func (a *NanoUSD) UnmarshalText(text []byte) error {
	v, err := ParseUSD(string(text))
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// ParseUSD reads a decimal number of dollars with at most nine decimal places.
// It takes no exponent, no thousands separator, no infinity and no NaN.
func ParseUSD(s string) (NanoUSD, error) {
	v, err := parseDecimal(s, 9)
	return NanoUSD(v), err
}

// ParsePrice reads a decimal number of dollars per million units with at most
// six decimal places. A negative price is ErrRange.
func ParsePrice(s string) (Price, error) {
	v, err := parseDecimal(s, 6)
	if err == nil && v < 0 {
		err = ErrRange
	}
	return Price(v), err
}

// String is the price in dollars per million units, as ParsePrice reads it.
func (p Price) String() string {
	s := NanoUSD(p % 1_000_000 * 1000).String()
	whole := strconv.FormatInt(int64(p/1_000_000), 10)
	return whole + strings.TrimPrefix(s, "0")
}

// parseDecimal reads s as an integer count of 10^-places.
func parseDecimal(s string, places int) (int64, error) {
	rest, negative := strings.CutPrefix(s, "-")
	whole, frac, dotted := strings.Cut(rest, ".")
	if whole == "" || (dotted && frac == "") || !allDigits(whole) || !allDigits(frac) {
		return 0, ErrSyntax
	}
	if trimmed := strings.TrimRight(frac, "0"); len(trimmed) > places {
		return 0, ErrRange
	} else {
		frac = trimmed + strings.Repeat("0", places-len(trimmed))
	}
	v, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return 0, ErrRange
	}
	if negative {
		v = -v
	}
	return v, nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
