package authority

import (
	"context"
	"encoding/binary"

	"tollgate/internal/key"
)

// foreignIndex knows what begins the look-up of every secret that another system
// made.
type foreignIndex struct{ *index[foreignLookups] }

type foreignLookups map[Scheme]map[foreignLookup]struct{}

// foreignLookup is the first bytes of what a secret is looked for by. It is small:
// there is one in memory for each secret.
type foreignLookup uint64

func lookupOf(b []byte) foreignLookup {
	var first [lookupBytes]byte
	copy(first[:], b)
	return foreignLookup(binary.BigEndian.Uint64(first[:]))
}

func newForeignIndex(read func(context.Context, func(Scheme, []byte)) error) foreignIndex {
	return foreignIndex{newIndex(func(ctx context.Context) (foreignLookups, error) {
		known := foreignLookups{SchemeSHA256: {}, SchemeKnox: {}, SchemeBcrypt: {}}
		err := read(ctx, known.add)
		return known, err
	})}
}

func (l foreignLookups) add(scheme Scheme, b []byte) {
	if of := l[scheme]; of != nil {
		of[lookupOf(b)] = struct{}{}
	}
}

// add makes a stored secret known.
func (x foreignIndex) add(scheme Scheme, b []byte) {
	x.index.add(func(known foreignLookups) { known.add(scheme, b) })
}

// has reports whether a secret may be known under b.
func (x foreignIndex) has(scheme Scheme, b []byte) bool {
	return x.index.has(func(known foreignLookups) bool {
		_, ok := known[scheme][lookupOf(b)]
		return ok
	})
}

// hasKnox reports whether there is any SchemeKnox.
func (x foreignIndex) hasKnox() bool {
	return x.index.has(func(known foreignLookups) bool { return len(known[SchemeKnox]) > 0 })
}

// hasHash reports whether the key with this hash may have been made elsewhere.
func (x foreignIndex) hasHash(hash key.Hash) bool { return x.has(SchemeSHA256, hash[:lookupBytes]) }
