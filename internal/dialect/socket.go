package dialect

import (
	"strconv"
	"strings"

	"tollgate/internal/fault"
)

// SocketRoute is the route of what is asked for on a WebSocket at a path; nil = there
// is none.
func SocketRoute(path string) *Route {
	own, _ := canonical(path)
	for i := range routes {
		if r := &routes[i]; r.Path == own && (r.Socket || r.answers == answersResponse) {
			return r
		}
	}
	return nil
}

// ClientEvent takes apart a message that a caller sends on a WebSocket: what it says
// to be, its own name for it, and the object without these two members. The errors
// are fault.InvalidJSON, fault.DuplicateField and fault.InvalidField.
func ClientEvent(msg []byte) (kind, id string, rest []byte, err error) {
	s := scanner{b: msg}
	if s.peek() != '{' {
		return "", "", nil, fault.New(fault.InvalidJSON, "A message must be an event, an object in JSON.")
	}
	s.open()
	rest = append(make([]byte, 0, len(msg)), '{')
	var kinds, ids int
	for {
		name, ok := s.member()
		if !ok {
			break
		}
		at := s.named
		var to *string
		switch plain := string(decoded(name)); {
		case plain == "type":
			to = &kind
			kinds++
		case plain == "event_id":
			to = &id
			ids++
		case strings.EqualFold(plain, "type"), strings.EqualFold(plain, "event_id"):
			return "", "", nil, fault.New(fault.DuplicateField, "The field %q is not written as it should be.", brief([]byte(plain)))
		}
		if to == nil {
			s.skip()
			if len(rest) > 1 {
				rest = append(rest, ',')
			}
			rest = append(rest, msg[at:s.i]...)
			continue
		}
		if s.peek() != '"' {
			return "", "", nil, invalid("type", "The fields type and event_id must be strings.")
		}
		*to = string(decoded(s.text()))
	}
	s.end()
	switch {
	case s.bad != "":
		return "", "", nil, fault.New(fault.InvalidJSON, "The message is no valid JSON.")
	case kinds > 1 || ids > 1:
		return "", "", nil, fault.New(fault.DuplicateField, "The field type, or event_id, stands twice.")
	case kind == "" || len(kind) > maxEventName || len(id) > maxEventName:
		return "", "", nil, invalid("type", "The field \"type\" must say which event it is.")
	}
	return kind, id, append(rest, '}'), nil
}

// maxEventName bounds the type and the id of an event, in bytes.
const maxEventName = 512

// AppendEvent appends a message of a type, with the members of an object that
// ClientEvent gave, in pieces.
func AppendEvent(b []byte, kind, id string, rest [][]byte) []byte {
	b = append(b, `{"type":`...)
	b = appendQuoted(b, kind)
	if id != "" {
		b = append(b, `,"event_id":`...)
		b = appendQuoted(b, id)
	}
	n := len(b)
	for _, piece := range rest {
		b = append(b, piece...)
	}
	if b[n+1] == '}' {
		return append(b[:n], '}')
	}
	b[n] = ','
	return b
}

// AppendErrorEvent appends e as the event that tells a caller on a WebSocket of it,
// about that caller's event.
func AppendErrorEvent(b []byte, e *fault.Error, status int, requestID, about string) []byte {
	b = append(b, `{"type":"error","event_id":`...)
	b = appendQuoted(b, "event_"+strings.TrimPrefix(requestID, "req_"))
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ',')
	n := len(b)
	b = appendOpenAIError(b, e, status)
	b = append(b[:n], b[n+1:]...) // without the brace that opens the object
	if about == "" {
		return b
	}
	b = append(b[:len(b)-2], `,"event_id":`...)
	b = appendQuoted(b, about)
	return append(b, "}}"...)
}

// Event puts a message of a WebSocket into the form of an event of a stream, as a Tap
// reads it. It writes over line breaks, which in JSON stand between values only.
func Event(b, msg []byte) []byte {
	b = append(b, "data: "...)
	n := len(b)
	b = append(b, msg...)
	for i := n; i < len(b); i++ {
		if b[i] == '\n' || b[i] == '\r' {
			b[i] = ' '
		}
	}
	return append(b, "\n\n"...)
}
