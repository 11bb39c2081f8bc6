package simulate

import "strconv"

// cohere is Cohere's own format. See docs.cohere.com/reference: chat, chat-stream,
// embed and rerank.
type cohere struct{}

// cohereAround is what Cohere puts around a prompt, which it tells and does not
// bill.
const cohereAround = 66

func (cohere) ids() (string, string) { return "", "req_" }

func (cohere) whole(dst []byte, a *answer) []byte {
	dst = append(append(dst, `{"id":"`...), a.id...)
	dst = append(dst, `","message":{"role":"assistant"`...)
	if a.Tool == "" {
		dst = append(dst, `,"content":[`...)
		if a.reasoning > 0 {
			dst = append(dst, `{"type":"thinking","thinking":"one two six"},`...)
		}
		dst = appendWords(append(dst, `{"type":"text","text":"`...), 0, a.perChoice-a.reasoning)
		dst = append(dst, `"}]`...)
	} else {
		dst = append(dst, `,"tool_plan":"one two six","tool_calls":[`...)
		for i := range a.calls() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(cohereCall(dst, a, i), `,"arguments":"{\"text\":\"`...)
			if i == 0 {
				dst = appendWords(dst, 0, a.perChoice-a.reasoning)
			}
			dst = append(dst, `\"}"}}`...)
		}
		dst = append(dst, ']')
	}
	dst = append(append(dst, `},"finish_reason":"`...), cohereReason(a.ending)...)
	dst = append(dst, '"')
	return append(cohereUsages(dst, a, "usage"), '}')
}

func (w cohere) open(dst []byte, a *answer) []byte {
	dst = append(append(dst, "event: message-start\ndata: {\"id\":\""...), a.id...)
	dst = append(dst, `","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}`+"\n\n"...)
	if a.reasoning > 0 {
		dst = append(w.event(dst, "content-start", 0), `"content":{"type":"thinking","thinking":""}}}}`+"\n\n"...)
		dst = append(w.event(dst, "content-delta", 0), `"content":{"thinking":"one two six"}}}}`+"\n\n"...)
		dst = append(dst, "event: content-end\ndata: {\"type\":\"content-end\",\"index\":0}\n\n"...)
	}
	if a.Tool == "" {
		return append(w.event(dst, "content-start", a.block()), `"content":{"type":"text","text":""}}}}`+"\n\n"...)
	}
	dst = append(dst, "event: tool-plan-delta\ndata: {\"type\":\"tool-plan-delta\",\"delta\":{\"message\":{\"tool_plan\":\"one two six\"}}}\n\n"...)
	return w.call(dst, a, 0)
}

func (w cohere) piece(dst []byte, a *answer, _, i int64) []byte {
	from, to := a.span(i)
	if a.Tool == "" {
		dst = appendWords(append(w.event(dst, "content-delta", a.block()), `"content":{"text":"`...), from, to)
		return append(dst, `"}}}}`+"\n\n"...)
	}
	dst = append(w.event(dst, "tool-call-delta", 0), `"tool_calls":{"function":{"arguments":"`...)
	if i == 0 {
		dst = append(dst, `{\"text\":\"`...)
	}
	dst = appendWords(dst, from, to)
	if i == a.chunks-1 {
		dst = append(dst, `\"}`...)
	}
	return append(dst, `"}}}}}`+"\n\n"...)
}

func (w cohere) middle(dst []byte, a *answer) []byte {
	if a.fault == errorMid {
		return append(dst, "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"The model is overloaded.\"}}\n\n"...)
	}
	dst = append(dst, ": a comment\n\nevent: novelty\ndata: {\"type\":\"novelty\",\"usage\":{\"billed_units\":{\"input_tokens\":5}}}\n\n"...)
	return append(w.event(dst, "citation-start", 0), `"citations":{"start":0,"end":3,"text":"one","sources":[{"type":"document","id":"1","document":{"text":"one two six"}}]}}}}`+"\n\n"...)
}

func (w cohere) end(dst []byte, a *answer) []byte {
	if a.Tool == "" {
		dst = itoa(append(dst, "event: content-end\ndata: {\"type\":\"content-end\",\"index\":"...), a.block())
		dst = append(dst, "}\n\n"...)
	}
	for i := range a.calls() {
		if i > 0 {
			dst = append(w.event(w.call(dst, a, i), "tool-call-delta", i), `"tool_calls":{"function":{"arguments":"{\"text\":\"\"}"}}}}}`+"\n\n"...)
		}
		dst = itoa(append(dst, "event: tool-call-end\ndata: {\"type\":\"tool-call-end\",\"index\":"...), i)
		dst = append(dst, "}\n\n"...)
	}
	dst = append(dst, "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\""...)
	dst = append(append(dst, cohereReason(a.ending)...), '"')
	return append(cohereUsages(dst, a, "usage"), "}}\n\ndata: [DONE]\n\n"...)
}

func (cohere) event(dst []byte, name string, index int64) []byte {
	dst = append(append(dst, "event: "...), name...)
	dst = append(append(dst, "\ndata: {\"type\":\""...), name...)
	return append(itoa(append(dst, `","index":`...), index), `,"delta":{"message":{`...)
}

// call begins the call of a tool in a stream.
func (w cohere) call(dst []byte, a *answer, i int64) []byte {
	dst = append(w.event(dst, "tool-call-start", i), `"tool_calls":`...)
	return append(cohereCall(dst, a, i), `,"arguments":""}}}}}`+"\n\n"...)
}

// cohereCall is the beginning of a call of a tool.
func cohereCall(dst []byte, a *answer, i int64) []byte {
	dst = append(itoa(append(dst, `{"id":"call_simulated`...), i), `","type":"function","function":{"name":`...)
	return quote(dst, a.Tool)
}

func (cohere) counted(dst []byte, tokens int64) []byte {
	return append(itoa(append(dst, `{"tokens":`...), tokens), '}')
}

func (cohere) refusal(dst []byte, _ int, err error, requestID string) []byte {
	dst = quote(append(dst, `{"id":`...), requestID)
	return append(quote(append(dst, `,"message":`...), err.Error()), '}')
}

func cohereReason(e ending) string {
	switch e {
	case capped:
		return "MAX_TOKENS"
	case called:
		return "TOOL_CALL"
	}
	return "COMPLETE"
}

// cohereUsages is the member that says what is billed, with a comma before it:
// once, twice, or not at all.
func cohereUsages(dst []byte, a *answer, name string) []byte {
	parts := []int64{1}
	switch a.fault {
	case noUsage:
		parts = nil
	case usageTwice:
		parts = []int64{2, 1}
	}
	for _, part := range parts {
		dst = append(append(append(dst, `,"`...), name...), `":{`...)
		if name == "meta" {
			dst = append(dst, `"api_version":{"version":"2"},`...)
		}
		dst = append(dst, `"billed_units":{`...)
		if a.op == rank {
			dst = append(itoa(append(dst, `"search_units":`...), max(a.ask.searches/part, 1)), '}')
		} else {
			dst = itoa(append(dst, `"input_tokens":`...), a.input/part)
			if a.op == generate {
				dst = itoa(append(dst, `,"output_tokens":`...), a.output()/part)
			}
			dst = itoa(append(dst, `},"tokens":{"input_tokens":`...), a.input/part+cohereAround)
			dst = append(itoa(append(dst, `,"output_tokens":`...), a.output()/part), '}')
		}
		dst = append(dst, '}')
	}
	return dst
}

// cohere writes the embeddings in Cohere's format.
func (v *vector) cohere(dst []byte, a *answer) []byte {
	dst = append(append(dst, `{"id":"`...), a.id...)
	dst = append(dst, `","response_type":"embeddings_by_type","embeddings":{"float":[`...)
	for i := range a.ask.prompts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '['), v.floats[:v.ends[ownDimensions-1]]...), ']')
	}
	return append(cohereUsages(append(dst, `]}`...), a, "meta"), '}')
}

// ranking writes the documents in the order in which they came.
func ranking(dst []byte, a *answer) []byte {
	dst = append(append(dst, `{"id":"`...), a.id...)
	dst = append(dst, `","results":[`...)
	for i := range a.ask.documents {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strconv.AppendInt(append(dst, `{"index":`...), int64(i), 10), `,"relevance_score":`...)
		dst = append(strconv.AppendFloat(dst, 1/float64(i+1), 'g', 6, 64), '}')
	}
	return append(cohereUsages(append(dst, ']'), a, "meta"), '}')
}

// rank counts the search units: a hundred documents are one, and a document that
// does not fit into 500 tokens beside the query counts as several.
func (a *ask) rank() {
	room := 500 - min(a.query, 256)
	parts := int64(0)
	for _, tokens := range a.documents {
		parts += max(1, (tokens+room-1)/room)
	}
	a.searches, a.input = max(1, (parts+99)/100), 0
}

func locateCohere(path string) location {
	at := location{wire: cohere{}}
	switch path {
	case "/chat":
		at.op = generate
	case "/embed":
		at.op = embed
	case "/rerank":
		at.op = rank
	}
	return at
}
