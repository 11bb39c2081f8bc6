package ledger

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"tollgate/internal/llm"
	"tollgate/internal/money"
)

// A record is an entry as the journal holds it:
//
//	length of the payload, 4 bytes, little-endian
//	CRC-32C of the payload, 4 bytes, little-endian
//	payload: version, then the entry's fields in order; numbers as varints,
//	strings with their length before them
//
// Numbers that are rarely negative are still written as signed varints: a
// provider's oddities must survive the journal unchanged.
const (
	recordHeader  = 8
	recordVersion = 3
	firstVersion  = 1 // without what is not counted in tokens
	secondVersion = 2 // without attempts
	recordLeast   = 3 // version, outcome, flags
	maxRecord     = 64 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn is what is found where a record was cut off by a crash, or where the
// file simply ends.
var errTorn = errors.New("no whole record here")

const (
	flagStream = 1 << iota
	flagBYOK
)

// appendRecord appends e as a record.
func appendRecord(b []byte, e *Entry) []byte {
	start := len(b)
	b = append(b, make([]byte, recordHeader)...)
	b = append(b, recordVersion, byte(e.Outcome), e.flags())
	b = append(b, e.ID[:]...)
	for _, n := range [...]int64{
		e.At, e.DurationMS, int64(e.Status), int64(e.Cost),
		e.Usage.Input, e.Usage.CacheRead, e.Usage.CacheWrite, e.Usage.CacheWrite1h,
		e.Usage.InputAudio, e.Usage.Output, e.Usage.Reasoning, e.Usage.OutputAudio,
		e.Usage.Images, e.Usage.Seconds, e.Usage.Characters, e.Usage.Searches,
	} {
		b = binary.AppendVarint(b, n)
	}
	for _, s := range [...]string{
		e.OrganizationID, e.UserID, e.KeyID, e.KeyName, e.ChatbotID, e.CredentialID, e.Provider,
		e.Model, string(e.Format), e.Endpoint, e.Prices, e.UpstreamID, e.Code,
	} {
		b = appendText(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(e.Attempts)))
	for i := range e.Attempts {
		b = e.Attempts[i].append(b)
	}
	payload := b[start+recordHeader:]
	binary.LittleEndian.PutUint32(b[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[start+4:], crc32.Checksum(payload, castagnoli))
	return b
}

func (a *Attempt) append(b []byte) []byte {
	b = appendText(appendText(b, a.Provider), a.Model)
	return binary.AppendVarint(binary.AppendVarint(b, int64(a.Status)), a.DurationMS)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (e *Entry) flags() (f byte) {
	if e.Stream {
		f |= flagStream
	}
	if e.BYOK {
		f |= flagBYOK
	}
	return f
}

// record finds the payload of the record at the start of b.
func record(b []byte) (payload []byte, err error) {
	if len(b) < recordHeader {
		return nil, errTorn
	}
	n := int(binary.LittleEndian.Uint32(b))
	if n < recordLeast || n > maxRecord || len(b) < recordHeader+n {
		return nil, errTorn
	}
	payload = b[recordHeader : recordHeader+n]
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, errTorn
	}
	return payload, nil
}

// outcomeOf is the outcome of an entry without decoding it.
func outcomeOf(payload []byte) Outcome { return Outcome(payload[1]) }

// decode reads a payload whose checksum was right: what is wrong now was written
// by another version.
func (e *Entry) decode(b []byte, names *names) error {
	d := decoder{b: b, names: names}
	version := d.byte()
	if version < firstVersion || version > recordVersion {
		return errors.New("the journal was written by another version of Tollgate; start that version once to empty it")
	}
	e.Outcome = Outcome(d.byte())
	flags := d.byte()
	e.Stream, e.BYOK = flags&flagStream != 0, flags&flagBYOK != 0
	copy(e.ID[:], d.take(len(e.ID)))
	e.At, e.DurationMS = d.int(), d.int()
	e.Status, e.Cost = int(d.int()), money.NanoUSD(d.int())
	e.Usage = llm.Usage{
		Input: d.int(), CacheRead: d.int(), CacheWrite: d.int(), CacheWrite1h: d.int(),
		InputAudio: d.int(), Output: d.int(), Reasoning: d.int(), OutputAudio: d.int(),
	}
	if version > firstVersion {
		e.Usage.Images, e.Usage.Seconds, e.Usage.Characters, e.Usage.Searches = d.int(), d.int(), d.int(), d.int()
	}
	e.OrganizationID, e.UserID, e.KeyID, e.KeyName = d.string(), d.string(), d.string(), d.string()
	e.ChatbotID, e.CredentialID, e.Provider = d.string(), d.string(), d.string()
	e.Model, e.Format, e.Endpoint = d.string(), llm.Format(d.string()), d.string()
	e.Prices, e.UpstreamID, e.Code = d.string(), string(d.text()), d.string()
	if version > secondVersion {
		e.Attempts = d.attempts()
	}
	if d.bad || int(e.Outcome) >= len(outcomes) {
		return errors.New("a journal record has a right checksum and a wrong shape")
	}
	return nil
}

// decoder reads fields one after the other; bad is set once something is
// missing, and from then on everything reads as zero.
type decoder struct {
	b     []byte
	bad   bool
	names *names
}

// names keeps one copy of each string that comes again and again: ids of keys,
// names of models. The zero value is ready.
type names struct{ known map[string]string }

// maxNames bounds the copies kept; then all are forgotten.
const maxNames = 4096

func (n *names) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = map[string]string{}
	}
	s := string(b)
	n.known[s] = s
	return s
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.bad, d.b = true, nil
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		n = -1
	}
	d.take(n)
	return v
}

func (d *decoder) attempts() []Attempt {
	n, size := binary.Uvarint(d.b)
	if d.take(size); n == 0 || size <= 0 || n > maxRecord {
		d.bad = d.bad || n != 0 || size <= 0
		return nil
	}
	var list []Attempt
	for range n {
		if d.bad {
			return nil
		}
		list = append(list, Attempt{Provider: d.string(), Model: d.string(), Status: int(d.int()), DurationMS: d.int()})
	}
	return list
}

func (d *decoder) string() string { return d.names.of(d.text()) }

func (d *decoder) text() []byte {
	n, size := binary.Uvarint(d.b)
	if size <= 0 || n > maxRecord {
		size = -1
	}
	d.take(size)
	return d.take(int(n))
}
