package dialect

import "tollgate/internal/llm"

// maxTokens is above any count that can be true; what is larger was never
// meant.
const maxTokens = 1_000_000_000_000

// openAIUsage is a usage object as the OpenAI API reference describes it
// ("CompletionUsage"), with what compatible providers add. A field of -1 was
// not reported.
type openAIUsage struct {
	prompt, completion, total int64

	cached, inputAudio     int64 // of prompt
	written, longer        int64 // of prompt: to the cache, and of that for longer than usual
	reasoning, outputAudio int64 // of completion
}

// unreported is a usage of which nothing was reported.
var unreported = openAIUsage{-1, -1, -1, -1, -1, -1, -1, -1, -1}

// parseOpenAI reads a usage object. It is false when raw is not one, or says
// nothing that can be true: then the provider has not reported. Without output
// all that was used is input, whatever the provider calls it.
func parseOpenAI(raw []byte, output bool) (llm.Usage, bool) {
	u := unreported
	s := scanner{b: raw}
	if s.peek() != '{' {
		return llm.Usage{}, false
	}
	u.read(&s, "")
	if s.end(); s.bad != "" {
		return llm.Usage{}, false
	}
	if !output {
		u.prompt = max(u.total, max(u.prompt, 0)+max(u.completion, 0))
		u.completion, u.total = 0, 0
	}
	return u.classes()
}

// read reads the object under the cursor. within is "" for the usage itself,
// else the name of one of its parts.
func (u *openAIUsage) read(s *scanner, within string) {
	s.open()
	for {
		name, ok := s.member()
		switch {
		case !ok:
			return
		case within == "prompt":
			u.promptDetail(s, name)
		case within == "completion":
			u.completionDetail(s, name)
		default:
			u.count(s, name)
		}
	}
}

func (u *openAIUsage) count(s *scanner, name []byte) {
	switch string(name) {
	case "prompt_tokens":
		readCount(s, &u.prompt)
	case "completion_tokens":
		readCount(s, &u.completion)
	case "total_tokens":
		readCount(s, &u.total)
	case "prompt_cache_hit_tokens": // DeepSeek's name for cached_tokens
		readCount(s, &u.cached)
	case "prompt_tokens_details":
		u.details(s, "prompt")
	case "completion_tokens_details":
		u.details(s, "completion")
	default:
		s.skip()
	}
}

func (u *openAIUsage) details(s *scanner, of string) {
	if s.peek() == '{' {
		u.read(s, of)
		return
	}
	s.skip()
}

func (u *openAIUsage) promptDetail(s *scanner, name []byte) {
	switch string(name) {
	case "cached_tokens":
		readCount(s, &u.cached)
	case "audio_tokens":
		readCount(s, &u.inputAudio)
	case "cache_write_tokens":
		readCount(s, &u.written)
	case "cache_write_tokens_details":
		u.longerWrites(s)
	default:
		s.skip()
	}
}

func (u *openAIUsage) completionDetail(s *scanner, name []byte) {
	switch string(name) {
	case "reasoning_tokens":
		readCount(s, &u.reasoning)
	case "audio_tokens":
		readCount(s, &u.outputAudio)
	default:
		s.skip()
	}
}

// longerWrites reads for how long the tokens were written to the cache.
func (u *openAIUsage) longerWrites(s *scanner) {
	eachMember(s, func(name []byte) {
		if string(name) == "ttl_12h_tokens" {
			readCount(s, &u.longer)
			return
		}
		s.skip()
	})
}

// readCount reads a count into to, unless it is no whole number from 0 to
// maxTokens. Some encoders write 12 as 12.0.
func readCount(s *scanner, to *int64) {
	c := s.peek()
	if c < '0' || c > '9' {
		s.skip()
		return
	}
	digits := s.number()
	for i, c := range digits {
		if c == '.' {
			for _, zero := range digits[i+1:] {
				if zero != '0' {
					return
				}
			}
			digits = digits[:i]
			break
		}
	}
	if n, ok := plainInteger(digits); ok && n <= maxTokens {
		*to = n
	}
}

// classes sorts the counts into disjoint classes that sum up to what was
// reported. Parts that are larger than their whole are cut down to it, the
// dearer part last.
func (u *openAIUsage) classes() (llm.Usage, bool) {
	prompt, completion := max(u.prompt, 0), max(u.completion, 0)
	// Some providers leave hidden reasoning out of completion_tokens, but not
	// out of the total nor out of the bill.
	hidden := max(u.total-prompt-completion, 0)
	if u.prompt < 0 && u.completion >= 0 {
		prompt, hidden = hidden, 0
	}
	completion += hidden
	if prompt+completion == 0 {
		return llm.Usage{}, false
	}
	audio := clamp(u.inputAudio, prompt)
	cached := clamp(u.cached, prompt-audio)
	kept := clamp(u.written, prompt-audio-cached)
	longer := clamp(u.longer, kept)
	spoken := clamp(u.outputAudio, completion)
	written := completion - spoken
	return llm.Usage{
		Input:        prompt - audio - cached - kept,
		CacheRead:    cached,
		CacheWrite:   kept - longer,
		CacheWrite1h: longer,
		InputAudio:   audio,
		Output:       written,
		Reasoning:    clamp(max(u.reasoning, hidden), written),
		OutputAudio:  spoken,
	}, true
}

func clamp(n, most int64) int64 { return max(0, min(n, most)) }
