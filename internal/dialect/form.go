package dialect

import (
	"bytes"
	"mime"
	"net/url"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/llm"
)

const (
	maxParts       = 256     // of a form
	maxPartHeader  = 4 << 10 // bytes
	leastBoundary  = 16      // so that no text has it by chance
	mostBoundary   = 70      // RFC 2046, 5.1.1
	formMedia      = "multipart/form-data"
	boundaryDashes = "--"
)

// formReader reads the parts of a form. It takes less than RFC 7578 allows: what two
// parsers may cut or name differently is refused.
type formReader struct {
	call    *Call
	words   *vocabulary
	rest    []byte // behind the parts that were read
	at      int    // its offset
	mark    []byte // what is between two parts
	seen    names
	n       int64
	problem *fault.Error
}

// ReadForm finds what a request with a form as its body asks for, as Read does for
// JSON. at is its URL; nil is one that says nothing. contentType is that of the
// request, which says where the parts end. The
// errors are *fault.Error: UnsupportedMediaType for another type, InvalidField for a
// form that is broken, or that parsers may read differently, and for values of a wrong
// type or range, DuplicateField as Read.
func ReadForm(r *Route, at *url.URL, contentType string, body []byte) (*Call, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != formMedia {
		return nil, fault.New(fault.UnsupportedMediaType, "The body must be a form with a file: send \"Content-Type: multipart/form-data; boundary=…\".")
	}
	boundary := params["boundary"]
	if len(boundary) < leastBoundary || len(boundary) > mostBoundary || strings.ContainsFunc(boundary, func(c rune) bool { return !isBoundary(c) }) {
		return nil, invalid("", "The boundary of the form must be %d to %d letters, digits and signs.", leastBoundary, mostBoundary)
	}
	fr := formReader{call: &Call{Route: r, body: body, form: mime.FormatMediaType(formMedia, map[string]string{"boundary": boundary})}, words: r.vocabulary(), rest: body, mark: []byte("\r\n" + boundaryDashes + boundary)}
	if at != nil {
		if err := fr.call.addressed(at); err != nil {
			return nil, err
		}
	}
	fr.parts()
	if fr.problem != nil {
		return nil, fr.problem
	}
	c := fr.call
	if c.Model == "" {
		return nil, invalid("model", "The field \"model\" is missing: name the model to use.")
	}
	c.written = c.MaxOutput
	c.Choices, c.Messages = max(fr.n, 1), 1
	return c, nil
}

// Form is the content type of the body where that is a form, as it is to be sent: with
// nothing beside the boundary. "" = it is JSON.
func (c *Call) Form() string { return c.form }

// isBoundary reports whether c may be in a boundary: bchars of RFC 2046, without the
// blank.
func isBoundary(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("'()+_,-./:=?", c)
}

// fail notes the first problem.
func (f *formReader) fail(e *fault.Error) {
	if f.problem == nil {
		f.problem = e
	}
}

func (f *formReader) broken(problem string) {
	f.fail(invalid("", "The form is broken at byte %d: %s.", f.at, problem))
}

// skip steps over n bytes.
func (f *formReader) skip(n int) {
	f.rest = f.rest[n:]
	f.at += n
}

// parts reads the whole form. The boundary may stand where it ends a part, and
// nowhere else, whatever is around it.
func (f *formReader) parts() {
	first := f.mark[2:]
	if !bytes.HasPrefix(f.rest, first) {
		f.broken("it does not begin with its boundary")
		return
	}
	f.skip(len(first))
	for n := 0; f.problem == nil; n++ {
		switch {
		case bytes.HasPrefix(f.rest, []byte(boundaryDashes)):
			f.skip(len(boundaryDashes))
			if rest := string(f.rest); rest != "" && rest != "\r\n" {
				f.broken("something follows its end")
			}
			return
		case !bytes.HasPrefix(f.rest, []byte("\r\n")):
			f.broken("a boundary is followed by neither a new line nor two dashes")
			return
		case n == maxParts:
			f.broken("it has more than " + strconv.Itoa(maxParts) + " parts")
			return
		}
		f.skip(2)
		f.part()
	}
}

// part reads one part, up to its boundary.
func (f *formReader) part() {
	p, ok := f.header()
	if !ok {
		return
	}
	end := bytes.Index(f.rest, f.mark[2:])
	if end < 2 || string(f.rest[end-2:end]) != "\r\n" {
		f.broken("a part does not end in a new line and the boundary")
		return
	}
	value := span{f.at, f.at + end - 2}
	f.field(&p, value)
	f.skip(end - 2 + len(f.mark))
}

// formPart is what the header of a part says.
type formPart struct {
	name string
	file bool // it has a file's name
	kind string
}

// header reads the header of a part, and the empty line behind it.
func (f *formReader) header() (p formPart, ok bool) {
	end := bytes.Index(f.rest[:min(len(f.rest), maxPartHeader)], []byte("\r\n\r\n"))
	if end < 0 {
		f.broken("the header of a part has no end, or is longer than " + strconv.Itoa(maxPartHeader) + " bytes")
		return p, false
	}
	lines := strings.Split(string(f.rest[:end]), "\r\n")
	seen := map[string]bool{}
	for _, line := range lines {
		name, value, colon := strings.Cut(line, ":")
		name, value = strings.ToLower(name), strings.Trim(value, " \t")
		if !colon || !isHeaderName(name) || strings.ContainsFunc(value, isControl) {
			f.broken("a line in the header of a part is no field of a header")
			return p, false
		}
		if seen[name] {
			f.broken("the header of a part has " + strconv.Quote(brief([]byte(name))) + " twice")
			return p, false
		}
		seen[name] = true
		switch name {
		case "content-disposition":
			if !p.disposition(value) {
				f.broken("a Content-Disposition must be like form-data; name=\"model\"; filename=\"a.mp3\"")
				return p, false
			}
		case "content-type":
			p.kind = value
		case "content-transfer-encoding":
			if v := strings.ToLower(value); v != "binary" && v != "8bit" && v != "7bit" {
				f.broken("a part must be sent as it is, without a Content-Transfer-Encoding")
				return p, false
			}
		}
	}
	if p.name == "" {
		f.broken("a part has no name")
		return p, false
	}
	f.skip(end + 4)
	return p, true
}

// disposition reads a Content-Disposition. Names are quoted, and a quote ends them
// for every parser: backslashes before one are refused.
func (p *formPart) disposition(value string) (ok bool) {
	rest, ok := strings.CutPrefix(value, "form-data")
	if !ok || strings.Contains(value, `\"`) {
		return false
	}
	seen := map[string]bool{}
	for {
		rest = strings.TrimLeft(rest, " \t")
		if rest == "" {
			return p.name != ""
		}
		if rest, ok = strings.CutPrefix(rest, ";"); !ok {
			return false
		}
		name, after, found := strings.Cut(strings.TrimLeft(rest, " \t"), "=")
		if !found || seen[name] {
			return false
		}
		seen[name] = true
		var text string
		if name == "filename*" { // RFC 8187; it is quoted by percents
			text, rest = cutToken(after)
			p.file = true
			if text == "" {
				return false
			}
			continue
		}
		if after, found = strings.CutPrefix(after, `"`); !found {
			return false
		}
		if text, rest, found = strings.Cut(after, `"`); !found {
			return false
		}
		switch name {
		case "name":
			if p.name = text; !isFieldName(text) {
				return false
			}
		case "filename":
			p.file = true
		default:
			return false
		}
	}
}

// cutToken cuts what is before the next semicolon or blank.
func cutToken(s string) (token, rest string) {
	if i := strings.IndexAny(s, "; \t\""); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// isHeaderName reports whether s is a header's name to every parser. All that parts
// have in use are letters and hyphens.
func isHeaderName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_'
	})
}

// isFieldName reports whether no parser makes another name of it.
func isFieldName(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("_-.[]", c)
	})
}

// field reads the value of a part.
func (f *formReader) field(p *formPart, value span) {
	base, _, listed := strings.Cut(p.name, "[")
	known := f.words.of([]byte(p.name))
	f.call.InParts = f.call.InParts || base == "chunking_strategy"
	switch {
	case known == fieldUpload:
		f.file(p, value)
		return
	case p.file:
		f.fail(invalid(brief([]byte(p.name)), "The field %q takes no file.", brief([]byte(p.name))))
		return
	case known == fieldNone:
		like := f.words.like([]byte(p.name))
		if like == "" {
			like = f.words.like([]byte(base))
		}
		if like != "" {
			e := fault.New(fault.DuplicateField, "Some parsers take the field %q for %q: write it exactly so, or leave it out.", brief([]byte(p.name)), like)
			e.Param = like
			f.fail(e)
			return
		}
	}
	if !listed && !f.seen.add([]byte(p.name)) {
		e := fault.New(fault.DuplicateField, "The field %q stands twice: send it once.", brief([]byte(p.name)))
		e.Param = brief([]byte(p.name))
		f.fail(e)
		return
	}
	if known == fieldNone {
		if f.call.Override == "" {
			f.call.Override = f.words.override([]byte(base))
		}
		return
	}
	if !isPlainText(p.kind) {
		f.fail(invalid(p.name, "The field %q must be plain text in UTF-8.", p.name))
		return
	}
	f.value(known, p.name, value)
}

// isPlainText reports whether a part of a content type is its value as it stands.
func isPlainText(contentType string) bool {
	if contentType == "" {
		return true
	}
	kind, params, err := mime.ParseMediaType(contentType)
	charset := strings.ToLower(params["charset"])
	return err == nil && kind == "text/plain" && (charset == "" || charset == "utf-8" || charset == "us-ascii")
}

// value reads the value of a field that is known.
func (f *formReader) value(known field, name string, at span) {
	c := f.call
	raw := at.of(c.body)
	switch known {
	case fieldModel:
		c.model, c.asked = at, string(raw)
		if c.Route.Deployment { // the path has said it
			return
		}
		if !isModelName(raw) {
			f.fail(invalid("model", "The field \"model\" %s without control characters.", modelProblem))
			return
		}
		c.Model = c.asked
	case fieldStream:
		if text := string(raw); text != "true" && text != "false" {
			f.fail(invalid("stream", "The field \"stream\" must be true or false."))
		}
		c.Stream = string(raw) == "true"
	case fieldN:
		n, ok := plainInteger(raw)
		if !ok || n < 1 || n > maxChoices {
			f.fail(invalid("n", "The field \"n\" must be a whole number from 1 to %d, written in digits only.", maxChoices))
		}
		f.n = n
	case fieldSize:
		c.Size = brief(raw)
	case fieldQuality:
		c.Quality = brief(raw)
	case fieldOutputFormat:
		c.outputFormat(string(raw))
	}
}

// file reads a file, of which there may be several only where the name says so.
func (f *formReader) file(p *formPart, value span) {
	m := &f.call.Media
	switch {
	case !strings.HasSuffix(p.name, "[]") && !f.seen.add([]byte(p.name)):
		e := fault.New(fault.DuplicateField, "The field %q stands twice: send it once.", p.name)
		e.Param = p.name
		f.fail(e)
		return
	case f.call.Route.Unit == llm.Images:
		m.Images++
	default:
		m.Audio++
		f.call.sound = value
	}
	f.call.uploaded += int64(value.to - value.from)
}
