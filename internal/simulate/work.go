package simulate

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

var errTooLarge = errors.New("the body is too large")

// wire is a provider's format: how an answer looks in it. All methods append to
// dst and keep nothing.
type wire interface {
	// ids are the prefixes of the answer's id and of the request's.
	ids() (answer, request string)
	// whole is the complete body of an answer that is not streamed.
	whole(dst []byte, a *answer) []byte
	// open is what a stream begins with.
	open(dst []byte, a *answer) []byte
	// piece is the event with chunk i of a choice.
	piece(dst []byte, a *answer, choice, i int64) []byte
	// middle is what a stream has in its middle when it breaks off with an error of
	// the provider's, or holds what nobody knows.
	middle(dst []byte, a *answer) []byte
	// end is what a stream closes with, usage among it.
	end(dst []byte, a *answer) []byte
	// counted is the answer to a question for the count of tokens.
	counted(dst []byte, tokens int64) []byte
	// refusal is the body of an error.
	refusal(dst []byte, code int, err error, requestID string) []byte
}

// answer is what a wire needs to know.
type answer struct {
	plan
	location
	ask     ask
	id      string
	created int64

	sequence int64  // events of a Response so far
	head     []byte // the beginning of each stream event, for wires that have one
}

// work is one request being served. It is used again for another when done.
type work struct {
	p         *Provider
	w         http.ResponseWriter
	r         *http.Request
	answer    answer
	requestID string
	in, out   []byte
	served    *Served
	inFlight  bool
}

func (wk *work) start(p *Provider, w http.ResponseWriter, r *http.Request, at location) {
	wk.p, wk.w, wk.r = p, w, r
	wk.answer.location = at
	answerID, requestID := at.wire.ids()
	wk.requestID = p.nextID(requestID)
	wk.answer.id = p.nextID(answerID)
	wk.answer.created = time.Now().Unix()
}

func (wk *work) reset() {
	*wk = work{in: wk.in[:0], out: wk.out[:0], answer: answer{head: wk.answer.head[:0]}}
}

// serve decides what the request gets.
func (wk *work) serve() {
	r, at := wk.r, &wk.answer.location
	wk.headers()
	switch {
	case !authorised(r):
		wk.refuse(http.StatusUnauthorized, errors.New("Incorrect API key provided: invalid."))
	case at.op == nothing:
		wk.refuse(http.StatusNotFound, errors.New("Invalid URL ("+r.Method+" "+r.URL.Path+")"))
	case (at.op == listModels) != (r.Method == http.MethodGet):
		wk.refuse(http.StatusMethodNotAllowed, errors.New("Not allowed to "+r.Method+" on "+r.URL.Path))
	case at.op == listModels:
		wk.models()
	default:
		wk.work()
	}
}

// work serves what costs tokens.
func (wk *work) work() {
	wk.begin()
	var err error
	if wk.in, err = read(wk.in, wk.r, wk.p.opts.MaxBodyBytes); err != nil {
		if errors.Is(err, errTooLarge) {
			wk.refuse(http.StatusRequestEntityTooLarge, err)
			return
		}
		wk.drop() // the caller left
	}
	a := &wk.answer
	switch a.op {
	case moderate, draw, speak, hear:
		a.ask, err = readMedia(wk.in, wk.r.Header.Get("Content-Type"), a.location)
	default:
		a.ask, err = readAsk(wk.in, a.location)
	}
	if err == nil && a.op == count {
		wk.send(a.wire.counted(wk.out[:0], a.ask.input))
		return
	}
	behaviour := wk.p.opts.Behaviour
	if err == nil {
		behaviour, err = behaviour.read(wk.r.Header)
	}
	if err == nil {
		a.plan, err = newPlan(behaviour, &a.ask, a.op)
	}
	if err != nil {
		wk.refuse(http.StatusBadRequest, err)
		return
	}
	if a.fault == status {
		wk.wait(a.Latency)
		wk.keepRefused()
		wk.refuse(a.code, errors.New("simulated: "+http.StatusText(a.code)))
		return
	}
	wk.bill()
	wk.wait(a.Latency)
	wk.reply()
}

// reply writes an answer that was billed.
func (wk *work) reply() {
	a := &wk.answer
	switch a.fault {
	case cutBefore:
		wk.drop()
	case hang:
		<-wk.r.Context().Done()
		wk.drop()
	}
	wk.p.account.answered(wk.served)
	switch {
	case a.op == moderate:
		wk.whole(moderation(wk.out[:0], a))
	case a.op == embed:
		switch a.wire.(type) {
		case gemini:
			wk.whole(wk.p.vector.gemini(wk.out[:0], a))
		case cohere:
			wk.whole(wk.p.vector.cohere(wk.out[:0], a))
		default:
			wk.whole(wk.p.vector.answer(wk.out[:0], a))
		}
	case a.op == rank:
		wk.whole(ranking(wk.out[:0], a))
	case a.stream || a.ask.stream:
		wk.stream()
	default:
		wk.whole(a.wire.whole(wk.out[:0], a))
	}
}

// whole writes an answer that is not streamed, as its fault wants it.
func (wk *work) whole(body []byte) {
	switch wk.answer.fault {
	case badJSON:
		body = append(body[:len(body)-1], ']')
	case cut, hangMid:
		wk.w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
		_, _ = wk.w.Write(body[:len(body)/2])
		wk.breakOff()
	case gzipped:
		wk.done()
		wk.w.Header()["Content-Encoding"] = []string{"gzip"}
		wk.w.Header()["Content-Type"] = typeJSON
		z := gzip.NewWriter(wk.w)
		_, err := z.Write(body)
		wk.complete(errors.Join(err, z.Close()))
		return
	}
	wk.send(body)
}

// send writes a complete JSON body.
func (wk *work) send(body []byte) {
	wk.out = body
	wk.done()
	h := wk.w.Header()
	h["Content-Type"] = typeJSON
	if wk.answer.op == hear && wk.answer.ask.plain() {
		h["Content-Type"] = typeText
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, err := wk.w.Write(body)
	wk.complete(err)
}

// stream writes an answer event by event.
func (wk *work) stream() {
	a := &wk.answer
	h := wk.w.Header()
	h["Content-Type"] = typeEvents
	h["Cache-Control"] = noCache
	var to io.Writer = wk.w
	flusher, _ := wk.w.(http.Flusher)
	if a.fault == gzipped {
		h["Content-Encoding"] = []string{"gzip"}
		z := gzip.NewWriter(wk.w)
		defer func() { _ = z.Close() }()
		to, flusher = z, gzipFlusher{z, flusher}
	}
	if _, ok := a.wire.(gemini); ok && !a.sse {
		h["Content-Type"] = typeJSON
	}
	if a.op == speak && !a.ask.stream {
		h["Content-Type"] = typeSound
	}
	wk.out = a.wire.open(wk.out[:0], a)
	half := a.chunks / 2
	for i := range a.chunks {
		if i == half && !wk.middle(to, flusher) {
			return
		}
		wk.wait(a.ChunkDelay)
		for choice := range a.choices {
			wk.out = a.wire.piece(wk.out, a, choice, i)
			if !wk.push(to, flusher) {
				return
			}
		}
	}
	if a.chunks == 0 && !wk.middle(to, flusher) {
		return
	}
	wk.done()
	wk.out = a.wire.end(wk.out, a)
	_, err := to.Write(wk.out)
	wk.complete(err)
}

// push writes what has been made and says whether anybody still reads.
func (wk *work) push(to io.Writer, flusher http.Flusher) bool {
	_, err := to.Write(wk.out)
	wk.out = wk.out[:0]
	if err == nil && flusher != nil {
		flusher.Flush()
	}
	return err == nil
}

// middle is where a stream goes wrong. It is false when that ends it.
func (wk *work) middle(to io.Writer, flusher http.Flusher) (goesOn bool) {
	switch wk.answer.fault {
	case cut, hangMid:
		wk.push(to, flusher)
		wk.breakOff()
	case badJSON:
		wk.out = append(wk.out, "data: {\"id\":\"broken\",\"choices\":[{\n\n"...)
	case novelties:
		wk.out = wk.answer.wire.middle(wk.out, &wk.answer)
	case errorMid:
		wk.out = wk.answer.wire.middle(wk.out, &wk.answer)
		wk.done()
		wk.push(to, flusher)
		return false
	}
	return true
}

// breakOff ends an answer that has begun.
func (wk *work) breakOff() {
	_ = http.NewResponseController(wk.w).Flush()
	if wk.answer.fault == hangMid {
		<-wk.r.Context().Done()
	}
	wk.drop()
}

// drop closes the connection as it is.
func (wk *work) drop() {
	wk.done()
	panic(http.ErrAbortHandler) // net/http's way to do so
}

// wait lets a time pass, or drops the request when its caller goes.
func (wk *work) wait(span time.Duration) {
	if span <= 0 {
		return
	}
	if !sleep(wk.r.Context(), span) {
		wk.drop()
	}
}

func sleep(ctx context.Context, span time.Duration) bool {
	t := time.NewTimer(span)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// refuse answers with an error, in the format of the request.
func (wk *work) refuse(code int, err error) {
	wk.done()
	wk.p.account.refused.Add(1)
	h := wk.w.Header()
	h["Content-Type"] = typeJSON
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		h["Retry-After"] = []string{"1"}
	}
	wk.out = wk.answer.wire.refusal(wk.out[:0], code, err, wk.requestID)
	h["Content-Length"] = []string{strconv.Itoa(len(wk.out))}
	wk.w.WriteHeader(code)
	_, _ = wk.w.Write(wk.out)
}

// gzipFlusher flushes a compressor into what it writes to.
type gzipFlusher struct {
	z    *gzip.Writer
	next http.Flusher
}

// Flush passes on all that was written.
func (f gzipFlusher) Flush() {
	_ = f.z.Flush()
	if f.next != nil {
		f.next.Flush()
	}
}
