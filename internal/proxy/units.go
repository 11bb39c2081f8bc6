package proxy

import (
	"tollgate/internal/dialect"
	"tollgate/internal/llm"
)

// byUnit reports whether the request is billed by what is not counted in tokens, and
// by nothing else: then no token counts, for no limit.
func (x *exchange) byUnit() bool { return x.target.Model.ByUnit(x.route.Unit) }

// mostUnits is the most that the request can use of what is not counted in tokens.
func (x *exchange) mostUnits(f dialect.Figures) (u llm.Usage) {
	switch x.route.Unit {
	case llm.Images:
		u.Images = x.call.Choices
	case llm.Characters:
		u.Characters = x.call.Characters
	case llm.Seconds:
		u.Seconds = x.call.Seconds(f)
	case llm.Searches:
		u.Searches = x.call.SearchUnits
	}
	return u
}

// withUnits is a usage with what is not counted in tokens: as the answer says, or,
// where that is not for it to say, as the request does. known is false where it is
// the most that there can be.
func (x *exchange) withUnits(u llm.Usage, t llm.Tally) (all llm.Usage, known bool) {
	switch x.route.Unit {
	case llm.Images:
		known = t.Images > 0
		if u.Images = t.Images; !known {
			u.Images = x.most.Images
		}
	case llm.Characters: // what is read aloud is what was sent
		u.Characters, known = x.most.Characters, true
	case llm.Seconds:
		if u.Seconds == 0 {
			u.Seconds = t.Seconds
		}
		if known = u.Seconds > 0; !known && x.byUnit() {
			u.Seconds = x.most.Seconds
		}
	case llm.Searches:
		if known = t.Reported; !known {
			u.Searches = x.most.Searches
		}
	}
	return u, known
}

// told is what a finished answer used, if the provider has said so, or if it can be
// nothing else: ok. What it says must be what the model has prices for.
func (x *exchange) told(t llm.Tally) (u llm.Usage, ok bool) {
	if x.route.Unit == llm.Tokens || x.route.Unit == llm.Searches {
		return t.Usage, t.Reported
	}
	if !t.Reported {
		t.Usage = llm.Usage{}
	}
	u, known := x.withUnits(t.Usage, t)
	switch {
	case x.byUnit():
		return onlyUnits(u), known
	case x.target.Model != nil && x.target.Model.Priced:
		return u, t.Reported && u.Total() > 0
	}
	return u, t.Reported
}

// onlyUnits is u without tokens.
func onlyUnits(u llm.Usage) llm.Usage {
	return llm.Usage{Images: u.Images, Seconds: u.Seconds, Characters: u.Characters, Searches: u.Searches}
}

// A minute of speech of gpt-4o-mini-tts is some 1,250 tokens, by its prices for
// tokens and for minutes, and some 900 characters are read aloud in it.
const (
	speechTokens     = 1_250
	speechCharacters = 900
)

// countedOutput is how much was written, for an answer that does not say.
func (x *exchange) countedOutput(u *llm.Usage, t llm.Tally) {
	switch {
	case t.Final:
	case x.route.Unit == llm.Images:
		u.OutputAudio = max(u.OutputAudio, u.Images*x.wanted())
	case x.route.Unit == llm.Characters:
		u.OutputAudio = max(u.OutputAudio, (u.Characters*speechTokens+speechCharacters-1)/speechCharacters)
	default:
		u.Output = max(u.Output, t.Seen)
	}
}

// shape is how an answer of a content type that is no stream is laid out.
func (x *exchange) shape(contentType string) dialect.Shape {
	if (x.route.Unit == llm.Characters || x.route.Unit == llm.Seconds) && !isJSON(contentType) {
		return dialect.Bytes
	}
	return dialect.Document
}
