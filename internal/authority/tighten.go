package authority

import (
	"slices"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/policy"
)

// Whether a change of a field leaves a key able to do no more than before. In
// doubt it does not: then it needs who may manage keys.

// always is for fields that restrict nothing.
func always[T any](_, _ *T) bool { return true }

// free is f, changed at will.
func free[T any](f field[T]) field[T] {
	f.tightens = always
	return f
}

// fewer reports whether next is old or less; nil is unlimited.
func fewer(old, next *int64) bool {
	return old == nil || next != nil && *next <= *old
}

// sooner reports whether next is old or before it; zero is never.
func sooner(old, next time.Time) bool {
	return old.IsZero() || !next.IsZero() && !next.After(old)
}

// within reports whether each entry of next is covered by one of old; nil is all.
func within(old, next []string, covers func(wide, narrow string) bool) bool {
	if old == nil {
		return true
	}
	return next != nil && !slices.ContainsFunc(next, func(narrow string) bool {
		return !slices.ContainsFunc(old, func(wide string) bool { return covers(wide, narrow) })
	})
}

func equal(wide, narrow string) bool { return wide == narrow }

// prefixWithin reports whether the addresses of narrow are among those of wide.
func prefixWithin(wide, narrow string) bool {
	w, errWide := policy.ParsePrefix(wide)
	n, errNarrow := policy.ParsePrefix(narrow)
	return errWide == nil && errNarrow == nil && w.Bits() <= n.Bits() && w.Contains(n.Addr())
}

// flagsWithin reports whether what is true in next is true in old.
func flagsWithin(old, next map[string]bool) bool {
	for word, on := range next {
		if on && !old[word] {
			return false
		}
	}
	return true
}

// spanWithin reports whether a budget over next lets through no more than the
// same sum over old. Each day lies in one week and one month, but a week may lie
// in two months.
func spanWithin(old, next *Limits) bool {
	return old.BudgetLimitCents == nil || next.BudgetType == old.BudgetType ||
		next.BudgetType == BudgetTotal || old.BudgetType == BudgetDaily && next.BudgetType != ""
}

// modeWithin reports whether next is as firm as old.
func modeWithin(old, next *Limits) bool {
	return old.BudgetLimitCents == nil || old.BudgetMode == BudgetSoft || next.BudgetMode != BudgetSoft
}

// deletesSooner is about auto_delete_on_expiry: an owner may delete the key
// anyway, so asking for it is no more than they may do; the other way is.
func deletesSooner(old, next *bool) bool {
	switch {
	case next != nil && *next:
		return true
	case old == nil || next == nil:
		return old == next
	}
	return *old == *next
}

// staysClosed is about the status. A key may be enabled again by its owner if it
// was the owner who disabled it.
func staysClosed(old, next *Key) bool {
	return next.Status != StatusActive || old.Status == StatusActive ||
		old.Status == StatusDisabled && old.UserID != "" && old.DisabledBy == old.UserID
}

// loosened refuses a change that lets a key do more than before, and names each
// field that does.
func loosened[T any](table []field[T], old, next *T) error {
	const problem = "may only be tightened; ask an administrator to loosen it"
	var fields []fault.Field
	for _, f := range table {
		if f.tightens != nil && !f.tightens(old, next) || f.tightens == nil && f.get != nil && f.differs(old, next) {
			fields = append(fields, fault.Field{Name: f.name, Problem: problem})
		}
	}
	if fields == nil {
		return nil
	}
	return escalation(fields)
}
