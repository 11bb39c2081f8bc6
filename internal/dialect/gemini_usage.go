package dialect

import "tollgate/internal/llm"

// geminiUsage is usageMetadata as Google's API reference has it
// ("GenerateContentResponse", UsageMetadata). What was cached is in the prompt;
// thoughts, and what tools brought back, come on top.
type geminiUsage struct {
	prompt, cached, tool             int64
	candidates, thoughts, total      int64
	promptAudio, cachedAudio, spoken int64
	service                          string // how it was served; "" = not said
}

// parseGemini reads a usageMetadata. It is false when raw is not one, or says
// nothing. Without output all that was used is input.
func parseGemini(raw []byte, output bool) (sum llm.Usage, service string, ok bool) {
	var u geminiUsage
	s := scanner{b: raw}
	if s.peek() != '{' {
		return llm.Usage{}, "", false
	}
	eachMember(&s, func(name []byte) { u.read(&s, name) })
	if s.end(); s.bad != "" {
		return llm.Usage{}, "", false
	}
	sum = u.classes(output)
	return sum, u.service, sum.Total() > 0
}

func (u *geminiUsage) read(s *scanner, name []byte) {
	switch string(name) {
	case "promptTokenCount":
		readCount(s, &u.prompt)
	case "cachedContentTokenCount":
		readCount(s, &u.cached)
	case "toolUsePromptTokenCount":
		readCount(s, &u.tool)
	case "candidatesTokenCount":
		readCount(s, &u.candidates)
	case "thoughtsTokenCount":
		readCount(s, &u.thoughts)
	case "totalTokenCount":
		readCount(s, &u.total)
	case "serviceTier":
		u.service = serviceWord(s.value())
	case "promptTokensDetails", "toolUsePromptTokensDetails":
		u.promptAudio += audioIn(s)
	case "cacheTokensDetails":
		u.cachedAudio += audioIn(s)
	case "candidatesTokensDetails":
		u.spoken += audioIn(s)
	default:
		s.skip()
	}
}

// audioIn is the sound in a list of counts by modality.
func audioIn(s *scanner) (tokens int64) {
	if s.peek() != '[' {
		s.skip()
		return 0
	}
	s.open()
	for s.element() {
		var n int64
		audio := false
		eachMember(s, func(name []byte) {
			switch string(name) {
			case "modality":
				audio = string(s.value()) == `"AUDIO"`
			case "tokenCount":
				readCount(s, &n)
			default:
				s.skip()
			}
		})
		if audio {
			tokens += n
		}
	}
	return tokens
}

// classes sorts the counts into disjoint classes. What the total has more than
// its known parts was thought.
func (u *geminiUsage) classes(output bool) llm.Usage {
	if !output {
		return llm.Usage{Input: max(u.total, u.prompt+u.candidates)}
	}
	prompt := u.prompt + u.tool
	thoughts := u.thoughts + max(u.total-prompt-u.candidates-u.thoughts, 0)
	cached := clamp(u.cached, prompt)
	audio := clamp(u.promptAudio-u.cachedAudio, prompt-cached)
	spoken := clamp(u.spoken, u.candidates)
	return llm.Usage{
		Input:       prompt - cached - audio,
		CacheRead:   cached,
		InputAudio:  audio,
		Output:      u.candidates - spoken + thoughts,
		Reasoning:   thoughts,
		OutputAudio: spoken,
	}
}

// gemini reads a member of a chunk of Google's.
func (c *chunk) gemini(s *scanner, name []byte) {
	switch string(name) {
	case "responseId":
		c.readID(s)
	case "usageMetadata":
		c.readUsage(s)
	case "candidates":
		if s.peek() != '[' {
			s.skip()
			return
		}
		s.open()
		for s.element() {
			c.candidate(s)
		}
	case "promptFeedback":
		eachMember(s, func(name []byte) {
			value := s.value()
			c.denied = c.denied || string(name) == "blockReason" && string(value) != "null"
		})
	default:
		s.skip()
	}
}

// candidate reads one of the answers.
func (c *chunk) candidate(s *scanner) {
	var index int64
	ended := false
	eachMember(s, func(name []byte) {
		switch string(name) {
		case "index":
			readCount(s, &index)
		case "finishReason":
			value := string(s.value())
			ended = value != "null" && value != `""` && value != `"FINISH_REASON_UNSPECIFIED"`
		case "content":
			c.walk(s)
		default:
			s.skip()
		}
	})
	bit := uint64(1) << (index & 63)
	c.begun |= bit
	if ended {
		c.ended |= bit
	}
}

// heardGemini takes note of a chunk of Google's. Each has the usage so far; the
// last one is the bill.
func (f *findings) heardGemini(c *chunk) {
	f.begun |= c.begun
	f.ended |= c.ended
	if c.denied {
		f.begun |= 1
		f.ended = f.begun
	}
	if c.usage != nil {
		f.use(c.usage, false)
	}
}
