package dialect

import "strconv"

// editGemini writes the output cap, a cap on thinking that stays below it, and
// the model where the body repeats it.
func (c *Call) editGemini(s *splices, e Edit) {
	if e.Model != "" && e.Model != c.Model {
		for _, at := range c.models {
			s.replace(at, appendQuoted(nil, "models/"+e.Model))
		}
	}
	if e.MaxOutput <= 0 || !c.Route.Output || e.MaxOutput == c.MaxOutput {
		return
	}
	value := strconv.AppendInt(nil, e.MaxOutput, 10)
	c.setCap(s, value)
	if n := c.thinkingUnder(e.MaxOutput); n != c.Thinking {
		s.replace(c.thought, strconv.AppendInt(nil, n, 10))
	}
}

// setCap writes the output cap over the caller's own or, at the beginning of an
// object, where there was none.
func (c *Call) setCap(s *splices, value []byte) {
	member := `"maxOutputTokens":` + string(value)
	o := &c.config
	switch {
	case !c.caps[0].at.absent():
		s.replace(c.caps[0].at, value)
	case o.at.absent() && c.filled:
		s.replace(span{c.inside, c.inside}, []byte(`"generationConfig":{`+member+`},`))
	case o.at.absent():
		s.replace(span{c.inside, c.inside}, []byte(`"generationConfig":{`+member+`}`))
	case o.null:
		s.replace(o.at, []byte(`{`+member+`}`))
	case o.filled:
		s.replace(span{o.inside, o.inside}, []byte(member+`,`))
	default:
		s.replace(span{o.inside, o.inside}, []byte(member))
	}
}
