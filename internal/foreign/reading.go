package foreign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/api"
	"tollgate/internal/key"
)

// Format is one of the systems whose exports can be read.
type Format struct {
	Name string
	read func(*reading)
}

// Formats are those that there are.
func Formats() []Format {
	return []Format{
		{"litellm", readLiteLLM},
		{"new-api", readNewAPI},
		{"enclava", readEnclava},
		{"aether", readAether},
		{"smarter", readSmarter},
	}
}

// FormatNamed is the format with this name.
func FormatNamed(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// Options are what a file does not say.
type Options struct {
	Now         time.Time
	Owners      *Owners           // by whom ids of owners are found; nil = nobody is known
	Ownerless   bool              // keys of owners that nobody knows become nobody's
	Drop        []string          // restrictions, and unknown columns, that are given up
	QuotaPerUSD int64             // of new-api; 0 = 500,000
	Chatbots    map[string]string // ids of chatbots here, by what they are called there
}

// Record is a row in Tollgate's words.
type Record struct {
	Number  int           // of the row in the file
	Row     api.ImportRow // means something only if there is no Problem and no Skip
	Skip    string        // why it is no key that could work; "" = it is one
	Notes   []Note        // what is not carried over, or said otherwise
	Problem []Note        // why it cannot be imported; none = it can
}

// Note is about one column.
type Note struct {
	Field string
	Text  string // never a value
}

// Read says a row in Tollgate's words.
func (f Format) Read(row Row, opts Options) Record {
	if opts.QuotaPerUSD == 0 {
		opts.QuotaPerUSD = 500_000
	}
	r := &reading{opts: &opts, values: row.values, used: map[string]bool{}, Record: Record{Number: row.Number}}
	r.in = &r.Row.Key
	r.in.RateLimitPerMinute, r.in.RateLimitPerHour, r.in.RateLimitPerDay = api.Null[int64](), api.Null[int64](), api.Null[int64]()
	f.read(r)
	if r.Skip == "" {
		r.finish(f.Name)
	}
	return r.Record
}

// reading is a row being read.
type reading struct {
	Record
	opts     *Options
	in       *api.KeyInput
	values   map[string]value
	used     map[string]bool
	disabled bool
}

func (r *reading) note(field, format string, args ...any) {
	r.Notes = append(r.Notes, Note{field, fmt.Sprintf(format, args...)})
}

func (r *reading) fail(field, format string, args ...any) {
	r.Problem = append(r.Problem, Note{field, fmt.Sprintf(format, args...)})
}

// take is the value of a column, which is known by that.
func (r *reading) take(name string) value {
	r.used[name] = true
	v, ok := r.values[name]
	if !ok {
		return value{}
	}
	return v
}

// has reports whether there is such a column, empty or not.
func (r *reading) has(name string) bool {
	_, ok := r.values[name]
	return ok
}

func taken[T any](r *reading, name string, read func(value) (T, error)) T {
	v, err := read(r.take(name))
	if err != nil {
		r.fail(name, "cannot be read")
	}
	return v
}

func (r *reading) text(name string) string       { return strings.TrimSpace(taken(r, name, value.text)) }
func (r *reading) integer(name string) *int64    { return taken(r, name, value.integer) }
func (r *reading) amount(name string) *amount    { return taken(r, name, value.amount) }
func (r *reading) instant(name string) time.Time { return taken(r, name, value.instant) }
func (r *reading) words(name string) []string    { return taken(r, name, value.words) }
func (r *reading) object(name string) map[string]value {
	return taken(r, name, value.object)
}

func (r *reading) boolean(name string) (truth, given bool) {
	truth, given, err := r.take(name).boolean()
	if err != nil {
		r.fail(name, "cannot be read")
	}
	return truth, given
}

// ignore passes over columns that say nothing about what a key may do.
func (r *reading) ignore(names ...string) {
	for _, name := range names {
		r.used[name] = true
	}
}

// mention notes columns that restrict nothing and are not carried over.
func (r *reading) mention(names ...string) {
	for _, name := range names {
		if !r.take(name).isEmpty() {
			r.note(name, "is not carried over")
		}
	}
}

// restriction refuses the row if a column that is not carried over says something,
// unless it was given up.
func (r *reading) restriction(name, why string) {
	if !r.take(name).isEmpty() {
		r.lose(name, why)
	}
}

// lose refuses the row for a restriction that it would lose, unless that was given
// up.
func (r *reading) lose(name, why string) {
	if slices.Contains(r.opts.Drop, name) {
		r.note(name, "is given up: %s", why)
		return
	}
	r.fail(name, "%s; --drop %s imports the key without it", why, name)
}

// disable makes the key one that works only once somebody has looked at it.
func (r *reading) disable(field, format string, args ...any) {
	r.disabled = true
	r.note(field, format+": the key is disabled", args...)
}

// finish completes the row and counts what is not known as restrictions.
func (r *reading) finish(system string) {
	var unknown []string
	for name, v := range r.values {
		if !r.used[name] && !v.isEmpty() {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		r.lose(name, "the column is not known, and may restrict the key")
	}
	if r.disabled {
		r.in.IsActive = api.Set(false)
	}
	if r.Row.SourceID == "" {
		sum := sha256.Sum256([]byte(system + "\n" + r.Row.Secret.Digest))
		r.Row.SourceID = hex.EncodeToString(sum[:16]) // not the digest: that is in no report
	}
	if r.Row.Secret.Digest == "" && len(r.Problem) == 0 {
		r.fail("key", "there is none in this row")
	}
}

// name names the key: the first of several texts that there is.
func (r *reading) name(columns ...string) {
	name := ""
	for _, column := range columns {
		if text := r.text(column); name == "" {
			name = text
		}
	}
	r.in.Name = api.Set(r.short(columns[0], firstOf(name, "imported"), 100))
}

// describe describes the key.
func (r *reading) describe(column string) {
	if text := r.text(column); text != "" {
		r.in.Description = api.Set(r.short(column, text, 500))
	}
}

// tags keeps those that are short enough.
func (r *reading) tags(column string, tags []string) {
	var kept []string
	for _, tag := range tags {
		if tag = strings.TrimSpace(tag); tag == "" || utf8.RuneCountInString(tag) > 50 {
			r.note(column, "a tag has not 1 to 50 characters, and is left out")
			continue
		}
		kept = append(kept, tag)
	}
	if len(kept) > 0 {
		r.in.Tags = api.Set(kept)
	}
}

func (r *reading) short(column, text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	r.note(column, "is cut to %d characters", most)
	return strings.TrimSpace(string(runes[:most]))
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// plainKey hashes a key that stands in the file as it is. From here on only the
// hash and the first characters are known.
func (r *reading) plainKey(column, text string) {
	if strings.ContainsRune(text, '*') {
		r.fail(column, "is masked; export the rows from the database, where the key is whole")
		return
	}
	if len(text) > key.MaxForeignLen || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.fail(column, "is no key: it must have up to %d visible ASCII characters", key.MaxForeignLen)
		return
	}
	r.Row.Secret = api.ImportSecret{Scheme: "sha256", Digest: fmt.Sprintf("%x", key.HashOf(text)), Prefix: key.Hint(text)}
}

// hexDigest is a digest of so many bytes in hexadecimal, or "".
func hexDigest(text string, size int) string {
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == size {
		return hex.EncodeToString(raw)
	}
	return ""
}

// limit is a limit of the row in the range that Tollgate has for it; nothing is no
// limit. What must not be is a key that is disabled, what is more than there can be
// the most.
func (r *reading) limit(column string, least, most int64) api.Optional[int64] {
	return r.limited(column, r.integer(column), least, most)
}

func (r *reading) limited(column string, n *int64, least, most int64) api.Optional[int64] {
	switch {
	case n == nil:
		return api.Null[int64]()
	case *n < 0:
		r.fail(column, "is less than nothing")
		return api.Null[int64]()
	case *n < least:
		r.disable(column, "is %d, which allows nothing", *n)
		return api.Null[int64]()
	case *n > most:
		r.note(column, "is more than a limit can be, and becomes %d", most)
		return api.Set(most)
	}
	return api.Set(*n)
}

// chatbots are the chatbots that a key opens, by their ids here. What is not said to
// be one here keeps its name, and opens nothing.
func (r *reading) chatbots(column string, names []string) api.Optional[[]string] {
	var ids []string
	unknown := false
	for _, name := range names {
		id, ok := r.opts.Chatbots[name]
		if !ok {
			id, unknown = name, true
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if unknown {
		r.note(column, "names a chatbot of there, which opens nothing here; --chatbot NAME=ID says which one it is here")
	}
	return api.Set(ids)
}

// The ranges of limits in Tollgate.
const (
	maxPerMinute  = 10_000
	maxPerHour    = 100_000
	maxPerDay     = 1_000_000
	maxTokens     = 9_000_000_000_000_000
	maxConcurrent = 100_000
)

// expires sets the expiry, and skips a key that has expired.
func (r *reading) expires(at time.Time) {
	switch {
	case at.IsZero():
	case !at.After(r.opts.Now):
		r.Skip = "it has expired"
	default:
		r.in.ExpiresAt = api.Set(at)
	}
}

// spent keeps what the key has used: since at, zero = in the present day, week and
// month.
func (r *reading) spent(column string, cost *amount, tokens *int64, at time.Time) {
	if cost == nil {
		cost = whole(0)
	}
	usd, exact, ok := cost.dollars(true)
	switch {
	case !ok:
		r.fail(column, "is less than nothing, or more than a billion dollars")
		return
	case !exact:
		r.note(column, "is rounded up to a billionth of a dollar")
	}
	spent := api.ImportSpent{CostUSD: usd.String()}
	if tokens != nil && *tokens > 0 {
		spent.Tokens = min(*tokens, maxTokens)
	}
	if usd == 0 && spent.Tokens == 0 {
		return
	}
	if !at.IsZero() && at.Before(r.opts.Now) {
		at = at.UTC().Truncate(time.Millisecond)
		spent.At = &at
	}
	r.Row.Spent = &spent
}
