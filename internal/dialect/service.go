package dialect

// serve notes how the provider says that it has served the request; the last word
// counts. What is no text says nothing.
func (f *findings) serve(word string) {
	if word != "" {
		f.tally.Service = word
	}
}

// maxService is the longest word for a service, in bytes.
const maxService = 32

// serviceWord is the text that raw is; "" if it is none, or too long. The words that
// there are cost no memory.
func serviceWord(raw []byte) string {
	switch string(raw) {
	case `"default"`:
		return "default"
	case `"standard"`:
		return "standard"
	case `"flex"`:
		return "flex"
	case `"priority"`:
		return "priority"
	case `"fast"`:
		return "fast"
	}
	s := scanner{b: raw}
	if len(raw) > maxService || s.peek() != '"' {
		return ""
	}
	return string(decoded(s.text()))
}
