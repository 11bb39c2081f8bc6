package dialect

import (
	"fmt"
	"strconv"
)

// Fixed is what a chatbot lays down for every request to it. The zero value lays
// nothing down. It is immutable, and safe for concurrent use.
type Fixed struct {
	Model       string   // as a caller would ask for it; "" = the caller's own
	Prompt      Prompt   // goes before all messages
	Temperature *float64 // from 0 on; nil = the caller's own
	MaxOutput   int64    // the most tokens of an answer; 0 = the caller's own cap
}

// Prompt is what the model is told first. The zero value is nothing.
type Prompt struct {
	quoted  []byte // the text as JSON
	message []byte // the message that it makes
}

// The message of a Prompt, around the text.
const (
	promptBefore = `{"role":"system","content":`
	promptAfter  = `}`
)

// NewPrompt is text as a Prompt; "" is nothing.
func NewPrompt(text string) Prompt {
	if text == "" {
		return Prompt{}
	}
	quoted := appendQuoted(nil, text)
	return Prompt{quoted: quoted, message: fmt.Appendf(nil, "%s%s%s", promptBefore, quoted, promptAfter)}
}

// Fix lays f down: from then on the call is what will be sent. What a caller could
// get round it by is refused as fault.InvalidField: fields that OpenAI's reference
// does not have, several answers, each of which could be as long as the longest may
// be, and, where there is a prompt, messages of whoever is neither user, assistant
// nor tool. It is called once at most, for routes to chatbots, before any bound is
// asked for.
func (c *Call) Fix(f *Fixed) error {
	switch {
	case c.texts.absent():
		return invalid("messages", "The field \"messages\" is missing: send what is to be answered.")
	case c.Override != "":
		return invalid(c.Override, "Requests to a chatbot have the fields of OpenAI's chat completions only, and %q is none of them: by another one they could get round what the chatbot lays down. Leave it out.", c.Override)
	case c.speaks > 0 && f.Prompt.message != nil:
		param := "messages[" + strconv.FormatInt(c.speaks-1, 10) + "].role"
		return invalid(param, "This chatbot has instructions of its own, so messages may be of the roles user, assistant, tool and function only, and %s has %s.", param, c.spoken)
	case c.Choices > 1:
		return invalid("n", "A chatbot gives one answer to a request, and \"n\" asks for %d: send several requests, or leave it out.", c.Choices)
	}
	c.fixed = f
	if f.Model != "" {
		c.Model = f.Model
	}
	if f.MaxOutput > 0 && (c.MaxOutput == 0 || c.MaxOutput > f.MaxOutput) {
		c.MaxOutput = f.MaxOutput
	}
	if f.Prompt.message != nil {
		c.Messages++
	}
	return nil
}

// promptBytes is what the prompt adds to the body.
func (c *Call) promptBytes() int64 {
	if c.fixed == nil || c.fixed.Prompt.message == nil {
		return 0
	}
	return int64(len(c.fixed.Prompt.message)) + 1
}

// prompt yields the prompt as messages does a message.
func (t *texts) prompt(f *Fixed) {
	if f == nil || f.Prompt.message == nil {
		return
	}
	t.rest += 3 + 2 + 2
	t.rest += t.emit([]byte("system"))
	t.rest += t.emit(f.Prompt.quoted[1 : len(f.Prompt.quoted)-1])
}

// editModel writes the model's name, over the caller's or where there is none.
func (c *Call) editModel(s *splices, model string) {
	switch {
	case model == "", c.model.absent() && !c.Route.Chatbot && c.Route.unnamed == "":
	case c.model.absent():
		text := appendQuoted([]byte(`"model":`), model)
		if c.filled {
			text = append(text, ',')
		}
		s.replace(span{c.inside, c.inside}, text)
	case model == c.asked:
	case c.form != "":
		s.replace(c.model, []byte(model))
	default:
		s.replace(c.model, appendQuoted(nil, model))
	}
}

// editFixed writes what the chatbot lays down, but for the model and the cap.
func (c *Call) editFixed(s *splices) {
	f := c.fixed
	if f == nil {
		return
	}
	if text := f.Prompt.message; text != nil {
		if c.Messages > 1 {
			text = append(text[:len(text):len(text)], ',')
		}
		s.replace(span{c.texts.from + 1, c.texts.from + 1}, text)
	}
	if f.Temperature == nil {
		return
	}
	value := strconv.AppendFloat(nil, *f.Temperature, 'f', -1, 64)
	if c.temperature.absent() {
		value = append(append([]byte(`"temperature":`), value...), ',')
		s.replace(span{c.inside, c.inside}, value)
		return
	}
	s.replace(c.temperature, value)
}
