package simulate

// responses is OpenAI's format of Responses. See
// platform.openai.com/docs/api-reference/responses and …/responses-streaming.
type responses struct{ chat }

func (responses) ids() (string, string) { return "resp_", "req_" }

func (w responses) whole(dst []byte, a *answer) []byte {
	return w.response(dst, a, w.status(a), true)
}

// status is the last word on an answer.
func (responses) status(a *answer) string {
	if a.ending == capped {
		return "incomplete"
	}
	return "completed"
}

// response is the object itself, with what was written and used if it is done.
func (w responses) response(dst []byte, a *answer, status string, done bool) []byte {
	dst = append(append(dst, `{"id":"`...), a.id...)
	dst = itoa(append(dst, `","object":"response","created_at":`...), a.created)
	dst = append(append(dst, `,"status":"`...), status...)
	dst = append(dst, `","background":false,"error":null,"incomplete_details":`...)
	if status == "incomplete" {
		dst = append(dst, `{"reason":"max_output_tokens"}`...)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(append(dst, `,"instructions":null,"max_output_tokens":null,"model":"`...), a.ask.model...)
	dst = append(dst, `","output":[`...)
	if done {
		dst = w.items(dst, a)
	}
	dst = append(dst, `],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"service_tier":"default",`...)
	dst = append(dst, `"store":true,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled"`...)
	switch {
	case !done, a.fault == noUsage:
		dst = append(dst, `,"usage":null`...)
	case a.fault == usageTwice:
		dst = w.usage(dst, a, 2)
		fallthrough
	default:
		dst = w.usage(dst, a, 1)
	}
	if done && a.fault == novelties {
		dst = append(dst, `,"novelty":{"usage":{"input_tokens":5}}`...)
	}
	return append(dst, `,"user":null,"metadata":{}}`...)
}

func (responses) usage(dst []byte, a *answer, part int64) []byte {
	dst = itoa(append(dst, `,"usage":{"input_tokens":`...), a.input/part)
	dst = itoa(append(dst, `,"input_tokens_details":{"cached_tokens":`...), a.CachedTokens/part)
	dst = itoa(append(dst, `},"output_tokens":`...), a.output()/part)
	dst = itoa(append(dst, `,"output_tokens_details":{"reasoning_tokens":`...), a.hidden()/part)
	dst = itoa(append(dst, `},"total_tokens":`...), a.input/part+a.output()/part)
	return append(dst, '}')
}

// items is all that was written.
func (w responses) items(dst []byte, a *answer) []byte {
	if a.reasoning > 0 {
		dst = append(dst, reasoningItem+","...)
	}
	if a.Tool == "" {
		return w.message(dst, a, "completed", true)
	}
	for i := range a.calls() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = w.call(dst, a, i, true)
	}
	return dst
}

const reasoningItem = `{"id":"rs_simulated","type":"reasoning","summary":[]}`

func (w responses) message(dst []byte, a *answer, status string, done bool) []byte {
	dst = append(append(dst, `{"id":"msg_simulated","type":"message","status":"`...), status...)
	dst = append(dst, `","role":"assistant","content":[`...)
	if done {
		dst = w.part(dst, a, true)
	}
	return append(dst, "]}"...)
}

func (responses) part(dst []byte, a *answer, done bool) []byte {
	dst = append(dst, `{"type":"output_text","text":"`...)
	if done {
		dst = appendWords(dst, 0, a.perChoice-a.reasoning)
	}
	return append(dst, `","annotations":[],"logprobs":[]}`...)
}

// call is the call of a function; the first one has all that is written in its
// arguments.
func (w responses) call(dst []byte, a *answer, i int64, done bool) []byte {
	dst = itoa(append(dst, `{"id":"fc_simulated`...), i)
	if done {
		dst = append(dst, `","type":"function_call","status":"completed","arguments":"`...)
		dst = w.arguments(dst, a, i)
	} else {
		dst = append(dst, `","type":"function_call","status":"in_progress","arguments":"`...)
	}
	dst = itoa(append(dst, `","call_id":"call_simulated`...), i)
	return append(quote(append(dst, `","name":`...), a.Tool), '}')
}

func (responses) arguments(dst []byte, a *answer, i int64) []byte {
	dst = append(dst, `{\"text\":\"`...)
	if i == 0 {
		dst = appendWords(dst, 0, a.perChoice-a.reasoning)
	}
	return append(dst, `\"}`...)
}

// event begins an event. Its number is that of the events before it.
func (responses) event(dst []byte, a *answer, kind string) []byte {
	dst = append(append(append(append(dst, "event: "...), kind...), "\ndata: {\"type\":\""...), kind...)
	dst = itoa(append(dst, `","sequence_number":`...), a.sequence)
	a.sequence++
	return append(dst, ',')
}

func (w responses) open(dst []byte, a *answer) []byte {
	a.sequence = 0
	for _, kind := range [...]string{"response.created", "response.in_progress"} {
		dst = append(w.event(dst, a, kind), `"response":`...)
		dst = append(w.response(dst, a, "in_progress", false), "}\n\n"...)
	}
	if a.reasoning > 0 {
		for _, kind := range [...]string{"response.output_item.added", "response.output_item.done"} {
			dst = append(w.event(dst, a, kind), `"output_index":0,"item":`+reasoningItem+"}\n\n"...)
		}
	}
	if a.Tool != "" {
		return w.item(dst, a, "response.output_item.added", 0, false)
	}
	dst = w.item(dst, a, "response.output_item.added", 0, false)
	dst = w.place(w.event(dst, a, "response.content_part.added"), a)
	return append(w.part(append(dst, `"part":`...), a, false), "}\n\n"...)
}

// place says which part of the message an event is about.
func (responses) place(dst []byte, a *answer) []byte {
	dst = itoa(append(dst, `"item_id":"msg_simulated","output_index":`...), a.block())
	return append(dst, `,"content_index":0,`...)
}

// item is an event with a whole item.
func (w responses) item(dst []byte, a *answer, kind string, i int64, done bool) []byte {
	dst = itoa(append(w.event(dst, a, kind), `"output_index":`...), a.block()+i)
	dst = append(dst, `,"item":`...)
	switch {
	case a.Tool != "":
		dst = w.call(dst, a, i, done)
	case done:
		dst = w.message(dst, a, "completed", true)
	default:
		dst = w.message(dst, a, "in_progress", false)
	}
	return append(dst, "}\n\n"...)
}

func (w responses) piece(dst []byte, a *answer, _, i int64) []byte {
	from, to := a.span(i)
	if a.Tool == "" {
		dst = w.place(w.event(dst, a, "response.output_text.delta"), a)
		dst = appendWords(append(dst, `"delta":"`...), from, to)
		return append(dst, "\",\"logprobs\":[]}\n\n"...)
	}
	dst = w.event(dst, a, "response.function_call_arguments.delta")
	dst = itoa(append(dst, `"item_id":"fc_simulated0","output_index":`...), a.block())
	dst = append(dst, `,"delta":"`...)
	if i == 0 {
		dst = append(dst, `{\"text\":\"`...)
	}
	dst = appendWords(dst, from, to)
	if i == a.chunks-1 {
		dst = append(dst, `\"}`...)
	}
	return append(dst, "\"}\n\n"...)
}

func (w responses) middle(dst []byte, a *answer) []byte {
	if a.fault == errorMid {
		dst = w.event(dst, a, "error")
		return append(dst, `"code":"server_error","message":"The server had an error while processing your request.","param":null}`+"\n\n"...)
	}
	dst = append(dst, ": a comment\n\nevent: keepalive\ndata: {\"type\":\"keepalive\"}\n\n"...)
	return append(dst, "event: response.novelty\ndata: {\"type\":\"response.novelty\",\"novelty\":{\"usage\":{\"input_tokens\":5}}}\n\n"...)
}

func (w responses) end(dst []byte, a *answer) []byte {
	if a.Tool == "" {
		dst = w.place(w.event(dst, a, "response.output_text.done"), a)
		dst = appendWords(append(dst, `"text":"`...), 0, a.perChoice-a.reasoning)
		dst = append(dst, "\",\"logprobs\":[]}\n\n"...)
		dst = w.place(w.event(dst, a, "response.content_part.done"), a)
		dst = append(w.part(append(dst, `"part":`...), a, true), "}\n\n"...)
		dst = w.item(dst, a, "response.output_item.done", 0, true)
	}
	for i := range a.calls() {
		if i > 0 {
			dst = w.item(dst, a, "response.output_item.added", i, false)
		}
		dst = w.event(dst, a, "response.function_call_arguments.done")
		dst = itoa(append(dst, `"item_id":"fc_simulated`...), i)
		dst = itoa(append(dst, `","output_index":`...), a.block()+i)
		dst = append(w.arguments(append(dst, `,"arguments":"`...), a, i), "\"}\n\n"...)
		dst = w.item(dst, a, "response.output_item.done", i, true)
	}
	dst = append(w.event(dst, a, "response."+w.status(a)), `"response":`...)
	return append(w.response(dst, a, w.status(a), true), "}\n\n"...)
}
