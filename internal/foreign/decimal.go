package foreign

import (
	"math/big"
	"regexp"
	"strings"

	"tollgate/internal/money"
)

// Other systems keep money as floating point numbers and export what comes of it:
// 0.1500000000000001, 1e-05. It is read digit by digit.

var decimalForm = regexp.MustCompile(`^([+-]?)([0-9]{0,40})(?:\.([0-9]{0,60}))?(?:[eE]([+-]?[0-9]{1,3}))?$`)

// amount is a number, exactly.
type amount struct{ r *big.Rat }

// amount is v as a number; nil is nothing.
func (v value) amount() (*amount, error) {
	text, err := v.text()
	if err != nil {
		return nil, err
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	m := decimalForm.FindStringSubmatch(text)
	if m == nil || m[2]+m[3] == "" {
		return nil, errForm
	}
	r, ok := new(big.Rat).SetString(text) // the form bounds what it costs
	if !ok {
		return nil, errForm
	}
	return &amount{r}, nil
}

// whole is n as an amount.
func whole(n int64) *amount { return &amount{new(big.Rat).SetInt64(n)} }

// per is a in units of which so many are one.
func (a *amount) per(units int64) *amount {
	return &amount{new(big.Rat).Quo(a.r, new(big.Rat).SetInt64(units))}
}

func (a *amount) sign() int { return a.r.Sign() }

// maxAmount is a billion dollars, the most that Tollgate books at once.
const maxAmount = 1_000_000_000

// dollars is a, as dollars, in nano-dollars, rounded up or down; ok is false for
// what is less than nothing or too much.
func (a *amount) dollars(up bool) (m money.NanoUSD, exact, ok bool) {
	n, exact := a.scaled(int64(money.USD), up)
	if n == nil || n.Cmp(big.NewInt(maxAmount*int64(money.USD))) > 0 {
		return 0, false, false
	}
	return money.NanoUSD(n.Int64()), exact, true
}

// cents is a, as dollars, in cents, rounded down.
func (a *amount) cents() (n int64, exact, ok bool) {
	scaled, exact := a.scaled(100, false)
	if scaled == nil || scaled.Cmp(big.NewInt(maxAmount*100)) > 0 {
		return 0, false, false
	}
	return scaled.Int64(), exact, true
}

// scaled is a times factor, rounded; nil for what is less than nothing.
func (a *amount) scaled(factor int64, up bool) (n *big.Int, exact bool) {
	if a.r.Sign() < 0 {
		return nil, false
	}
	r := new(big.Rat).Mul(a.r, new(big.Rat).SetInt64(factor))
	n, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() != 0 && up {
		n.Add(n, big.NewInt(1))
	}
	return n, rest.Sign() == 0
}
