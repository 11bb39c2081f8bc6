package dialect

import "slices"

// stream cuts a stream into events and holds what is not whole yet.
type stream struct {
	event event
	held  []byte // an event whose end has not come
	spare []byte // what the latest relay may lie in
	multi []byte // the data of an event with several data lines
	given bool   // something was relayed
	like  likeness
	blind bool // an event was too large: nothing is looked at any more
}

// write takes the next bytes and gives those up to the end of the last whole
// event, without the dropped ones.
func (s *stream) write(chunk []byte, t *Tap) (relay []byte) {
	if s.blind {
		return chunk
	}
	b := chunk
	if len(s.held) > 0 {
		s.held = append(s.held, chunk...)
		b = s.held
	}
	relay, n := s.cut(b, false, t)
	s.given = s.given || len(relay) > 0
	rest := b[n:]
	if s.blind || len(rest) > maxEventBytes {
		relay = slices.Concat(relay, rest)
		*s = stream{blind: true, given: true}
		return relay
	}
	if n > 0 || len(s.held) == 0 { // else held is the rest already
		s.hold(rest)
	}
	return relay
}

// hold keeps rest for the next call, in memory in which relay does not lie.
func (s *stream) hold(rest []byte) {
	const keep = 64 << 10 // of memory for an event, once a larger one is through
	if cap(s.spare) > keep && len(rest) <= keep {
		s.spare = nil
	}
	s.held, s.spare = append(s.spare[:0], rest...), s.held
}

// close takes the end of the stream and gives what was held. An event that the
// end cut off is looked at like any other: its JSON is whole or it is not.
func (s *stream) close(t *Tap) (relay []byte) {
	if len(s.held) > 0 {
		relay, _ = s.cut(s.held, true, t)
	}
	*s = stream{blind: true, given: s.given}
	return relay
}

// cut goes through the whole events of b, which are its first n bytes. relay
// is those without the dropped ones; it lies in b if it can.
func (s *stream) cut(b []byte, closed bool, t *Tap) (relay []byte, n int) {
	start := 0 // of what is to be relayed and is not in relay
	for n < len(b) {
		size := s.event.scan(b[n:], closed)
		if size > maxEventBytes {
			s.blind = true
			break
		}
		if size == 0 {
			break
		}
		whole := b[n : n+size]
		data := s.event.data.of(whole)
		if s.event.lines > 1 {
			s.multi = joined(s.multi[:0], whole)
			data = s.multi
		}
		if t.event(&s.event, data) {
			relay = append(relay, b[start:n]...)
			start = n + size
		}
		s.event = event{list: s.event.list}
		n += size
	}
	if relay == nil {
		return b[start:n], n
	}
	return append(relay, b[start:n]...), n
}

// likeness is how the latest event with output looked. The chunks of a stream
// are alike but for the text itself, so the next one can be counted by looking
// at the same place, without reading the rest.
type likeness struct {
	name [32]byte // the text's name, from its first quote to the opening quote of the text
	len  int
	at   int // where it stands in the data
}

// learn takes the likeness of data, in which c was found.
func (l *likeness) learn(data []byte, c *chunk) {
	l.len = 0
	if c.texts == 1 {
		l.learnAt(data, c.last)
	}
}

// learnAt takes it of data whose only output has its name and opening quote at a
// place.
func (l *likeness) learnAt(data []byte, name span) {
	l.len = 0
	if name.to-name.from <= len(l.name) {
		l.len = copy(l.name[:], name.of(data))
		l.at = name.from
	}
}

// counts counts the output of data, if it looks like the latest event, holds
// output at the same place and no usage. Else it is false, and data must be
// read.
func (l *likeness) counts(data []byte, f *findings) bool {
	to := l.at + l.len
	if l.len == 0 || len(data) < to || string(data[l.at:to]) != string(l.name[:l.len]) {
		return false
	}
	s := scanner{b: data, i: to - 1}
	text := s.text()
	if len(text) == 0 || mayReport(data) {
		return false
	}
	f.count(int64(len(text)))
	return true
}
