package dialect

import (
	"math"

	"tollgate/internal/llm"
)

// tokenUsage is a usage object of OpenAI's newer routes, in the words of the older
// ones: input_tokens with what was cached in them, output_tokens with the reasoning;
// or the seconds of sound that were heard.
func (f *findings) tokenUsage(raw []byte) (llm.Usage, bool) {
	u := unreported
	seconds := int64(-1)
	s := scanner{b: raw}
	if s.peek() != '{' {
		return llm.Usage{}, false
	}
	eachMember(&s, func(name []byte) {
		switch string(name) {
		case "input_tokens":
			readCount(&s, &u.prompt)
		case "output_tokens":
			readCount(&s, &u.completion)
		case "total_tokens":
			readCount(&s, &u.total)
		case "input_tokens_details", "input_token_details":
			f.tokenDetails(&s, &u, &u.inputAudio)
		case "output_tokens_details", "output_token_details":
			f.tokenDetails(&s, &u, &u.outputAudio)
		case "seconds":
			readSeconds(&s, &seconds)
		default:
			s.skip()
		}
	})
	if s.end(); s.bad != "" {
		return llm.Usage{}, false
	}
	if u.outputAudio < 0 && (f.answers == answersImages || f.answers == answersSpeech) {
		u.outputAudio = math.MaxInt64 // all of it is a picture, or spoken
	}
	sum, ok := u.classes()
	if seconds > 0 {
		sum.Seconds, ok = seconds, true
	}
	return sum, ok
}

// tokenDetails reads what the tokens of one direction were, and to medium those that
// were no text. Pictures are the medium of models that make them, as sound is that of
// others.
func (f *findings) tokenDetails(s *scanner, u *openAIUsage, medium *int64) {
	eachMember(s, func(name []byte) {
		switch word := string(name); {
		case word == "cached_tokens":
			readCount(s, &u.cached)
		case word == "cache_write_tokens":
			readCount(s, &u.written)
		case word == "cache_write_tokens_details":
			u.longerWrites(s)
		case word == "reasoning_tokens":
			readCount(s, &u.reasoning)
		case word == "audio_tokens", word == "image_tokens" && f.answers == answersImages:
			readCount(s, medium)
		default:
			s.skip()
		}
	})
}

// readSeconds reads a length of time into to, rounded up to whole seconds: a number,
// or one in a string, which is not negative and not beyond all reason.
func readSeconds(s *scanner, to *int64) {
	raw := s.value()
	if text := textOf(raw); text != nil {
		raw = text
	}
	whole, fraction := raw, []byte(nil)
	for i, c := range raw {
		if c == '.' {
			whole, fraction = raw[:i], raw[i+1:]
			break
		}
	}
	n, ok := plainInteger(whole)
	if !ok || n > maxTokens {
		return
	}
	for _, c := range fraction {
		if c < '0' || c > '9' {
			return
		}
		if c != '0' {
			n++
			break
		}
	}
	*to = n
}
