package simulate

import "net/http"

// gemini is Google's format of generateContent. See
// ai.google.dev/api/generate-content.
type gemini struct{}

func (gemini) ids() (string, string) { return "", "" }

func (gemini) whole(dst []byte, a *answer) []byte {
	dst = append(dst, `{"candidates":[`...)
	for choice := range a.choices {
		if choice > 0 {
			dst = append(dst, ',')
		}
		dst = geminiCandidate(dst, a, choice, 0, a.perChoice-a.reasoning, true)
	}
	dst = append(dst, ']')
	if a.fault == usageTwice {
		dst = geminiUsage(dst, a, a.output()/2)
	}
	return geminiEnd(dst, a, a.output())
}

func (gemini) open(dst []byte, a *answer) []byte {
	if a.sse {
		return dst
	}
	return append(dst, '[')
}

// piece carries the usage so far, as Google's chunks do; the last is the bill.
func (gemini) piece(dst []byte, a *answer, choice, i int64) []byte {
	from, to := a.span(i)
	if a.sse {
		dst = append(dst, "data: "...)
	} else if i > 0 || choice > 0 {
		dst = append(dst, ",\r\n"...)
	}
	last := i == a.chunks-1
	dst = geminiCandidate(append(dst, `{"candidates":[`...), a, choice, from, to, last)
	soFar := a.hidden() + to*a.choices
	if last {
		soFar = a.output()
	}
	dst = geminiEnd(append(dst, ']'), a, soFar)
	if a.sse {
		dst = append(dst, "\r\n\r\n"...)
	}
	return dst
}

func (gemini) middle(dst []byte, a *answer) []byte {
	event := `{"novelty":{"usageMetadata":{"promptTokenCount":5}},"candidates":[]}`
	if a.fault == errorMid {
		event = `{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}`
	}
	switch {
	case a.sse:
		return append(append(append(dst, "data: "...), event...), "\r\n\r\n"...)
	case a.chunks > 1: // a chunk is before it, and another one may follow
		dst = append(append(dst, ",\r\n"...), event...)
	case a.fault == errorMid:
		dst = append(dst, event...)
	}
	if a.fault == errorMid {
		dst = append(dst, ']')
	}
	return dst
}

// end closes the array, and gives the usage again where no chunk did so: when
// nothing visible was written.
func (gemini) end(dst []byte, a *answer) []byte {
	if a.chunks == 0 || a.fault == usageTwice {
		switch {
		case a.sse:
			dst = append(dst, "data: "...)
		case a.chunks > 0:
			dst = append(dst, ',')
		}
		dst = geminiCandidate(append(dst, `{"candidates":[`...), a, 0, 0, 0, true)
		dst = geminiEnd(append(dst, ']'), a, a.output())
		if a.sse {
			dst = append(dst, "\r\n\r\n"...)
		}
	}
	if a.sse {
		return dst
	}
	return append(dst, ']')
}

func (gemini) counted(dst []byte, tokens int64) []byte {
	dst = itoa(append(dst, `{"totalTokens":`...), tokens)
	dst = itoa(append(dst, `,"promptTokensDetails":[{"modality":"TEXT","tokenCount":`...), tokens)
	return append(dst, `}]}`...)
}

func (gemini) refusal(dst []byte, code int, err error, _ string) []byte {
	word := "INTERNAL"
	switch code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusMethodNotAllowed:
		word = "INVALID_ARGUMENT"
	case http.StatusUnauthorized:
		word = "UNAUTHENTICATED"
	case http.StatusForbidden:
		word = "PERMISSION_DENIED"
	case http.StatusNotFound:
		word = "NOT_FOUND"
	case http.StatusTooManyRequests:
		word = "RESOURCE_EXHAUSTED"
	case http.StatusServiceUnavailable:
		word = "UNAVAILABLE"
	case http.StatusGatewayTimeout:
		word = "DEADLINE_EXCEEDED"
	}
	dst = itoa(append(dst, `{"error":{"code":`...), int64(code))
	dst = quote(append(dst, `,"message":`...), err.Error())
	dst = quote(append(dst, `,"status":`...), word)
	return append(dst, `}}`...)
}

func geminiCandidate(dst []byte, a *answer, choice, from, to int64, last bool) []byte {
	dst = append(dst, `{"content":{"parts":[`...)
	if a.ask.thoughts && a.hidden() > 0 && from == 0 {
		dst = append(dst, `{"text":"one two six","thought":true},`...)
	}
	switch {
	case a.Tool != "" && last: // a function call comes whole
		for i := range a.calls() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = quote(append(dst, `{"functionCall":{"name":`...), a.Tool)
			dst = append(dst, `,"args":{"text":"`...)
			if i == 0 {
				dst = appendWords(dst, 0, to)
			}
			dst = append(dst, `"}}}`...)
		}
	case a.Tool == "":
		dst = appendWords(append(dst, `{"text":"`...), from, to)
		dst = append(dst, `"}`...)
	}
	dst = append(dst, `],"role":"model"}`...)
	if last {
		reason := "STOP"
		if a.ending == capped {
			reason = "MAX_TOKENS"
		}
		dst = quote(append(dst, `,"finishReason":`...), reason)
	}
	return append(itoa(append(dst, `,"index":`...), choice), '}')
}

func geminiEnd(dst []byte, a *answer, output int64) []byte {
	if a.fault != noUsage {
		dst = geminiUsage(dst, a, output)
	}
	dst = append(append(dst, `,"modelVersion":"`...), a.ask.model...)
	dst = append(append(dst, `","responseId":"`...), a.id...)
	return append(dst, `"}`...)
}

// geminiUsage is the member of an answer. Thoughts come on top of the candidates,
// what was cached is among the prompt.
func geminiUsage(dst []byte, a *answer, output int64) []byte {
	hidden := min(a.hidden(), output)
	dst = itoa(append(dst, `,"usageMetadata":{"promptTokenCount":`...), a.input)
	dst = itoa(append(dst, `,"candidatesTokenCount":`...), output-hidden)
	dst = itoa(append(dst, `,"totalTokenCount":`...), a.input+output)
	if a.CachedTokens > 0 {
		dst = itoa(append(dst, `,"cachedContentTokenCount":`...), a.CachedTokens)
	}
	dst = itoa(append(dst, `,"promptTokensDetails":[{"modality":"TEXT","tokenCount":`...), a.input-a.InputAudioTokens)
	if a.InputAudioTokens > 0 {
		dst = itoa(append(dst, `},{"modality":"AUDIO","tokenCount":`...), a.InputAudioTokens)
	}
	dst = append(dst, `}]`...)
	if hidden > 0 {
		dst = itoa(append(dst, `,"thoughtsTokenCount":`...), hidden)
	}
	return append(dst, '}')
}
