package tokens

import "strings"

// encoding is a tokeniser's vocabulary and the way it cuts.
type encoding uint8

const (
	unknown encoding = iota
	o200k
	cl100k
)

// encodingOf is the tokeniser of a model, as OpenAI's tiktoken has it
// (tiktoken/model.py).
func encodingOf(providerKind, model string) encoding {
	if providerKind != "openai" && providerKind != "azure" {
		return unknown
	}
	model = strings.TrimPrefix(model, "ft:") // a fine-tuned model's name goes on with its base's
	for _, row := range [...]struct {
		names []string // a * at the end stands for any rest
		encoding
	}{
		{[]string{"gpt-4o*", "gpt-4.1*", "gpt-4.5*", "gpt-5*", "o1", "o1-*", "o3", "o3-*", "o4-*", "chatgpt-*"}, o200k},
		{[]string{"gpt-4", "gpt-4-*", "gpt-3.5-*", "gpt-35-*", "text-embedding-3-*", "text-embedding-ada-002"}, cl100k},
	} {
		for _, name := range row.names {
			prefix, open := strings.CutSuffix(name, "*")
			if model == prefix || (open && strings.HasPrefix(model, prefix)) {
				return row.encoding
			}
		}
	}
	return unknown
}
