package api

import "time"

// ExplainRequest describes a request that somebody might send. Either key or
// key_id is given; what else is left out is not judged.
type ExplainRequest struct {
	Key             string `json:"key,omitempty" doc:"The key itself. It is looked up and never stored or shown."`
	KeyID           string `json:"key_id,omitempty" doc:"The id of a key, instead of the key."`
	Model           string `json:"model,omitempty" doc:"As the caller would write it." example:"gpt-4o-mini"`
	Endpoint        string `json:"endpoint,omitempty" doc:"Path of the route; left out, it is the chat route of the format." example:"/v1/chat/completions"`
	IP              string `json:"ip,omitempty" doc:"The caller's address." example:"203.0.113.7"`
	APIFormat       string `json:"api_format,omitempty" enum:"openai,anthropic,gemini"`
	Chatbot         string `json:"chatbot,omitempty" doc:"Id of the chatbot whose path is asked; left out, it is a plain route."`
	InputTokens     int64  `json:"input_tokens,omitempty" minimum:"0" doc:"Size of the prompt."`
	MaxOutputTokens int64  `json:"max_output_tokens,omitempty" minimum:"0" doc:"The caller's output cap; 0 is none."`
}

// ExplainResult is what the gate would say now, and why. Nothing was taken from
// any limit.
type ExplainResult struct {
	Allowed bool          `json:"allowed"`
	Code    string        `json:"code" doc:"The error code of the first rule that denies; empty when allowed."`
	Reason  string        `json:"reason" doc:"The same in words."`
	KeyID   string        `json:"key_id,omitempty"`
	Steps   []ExplainStep `json:"steps" nullable:"false" doc:"Every rule, in the order in which the gate asks them."`
}

// ExplainStep is one rule or limit and what it says. Verdict is allow or deny;
// skip when the request said nothing that this rule could judge.
type ExplainStep struct {
	Rule    string        `json:"rule" example:"rate_limit_per_minute"`
	Verdict string        `json:"verdict" enum:"allow,deny,skip"`
	Code    string        `json:"code,omitempty" doc:"The error code, when the verdict is deny."`
	Detail  string        `json:"detail"`
	Limit   *ExplainLimit `json:"limit,omitempty" doc:"The counters, when the rule is a limit."`
}

// ExplainLimit is one limit with its counters. A request fits when used + held +
// asked is at most max.
type ExplainLimit struct {
	Subject   string     `json:"subject" enum:"organization,user,key,chatbot,credential"`
	SubjectID string     `json:"subject_id"`
	Meter     string     `json:"meter" enum:"requests,tokens,cost,concurrency"`
	Window    string     `json:"window" enum:"minute,hour,day,week,month,total"`
	Mode      string     `json:"mode" enum:"hard,soft"`
	Max       Amount     `json:"max"`
	Used      Amount     `json:"used"`
	Held      Amount     `json:"held" doc:"By requests in flight."`
	Asked     Amount     `json:"asked" doc:"By this request, at most."`
	ResetsAt  *time.Time `json:"resets_at" doc:"When the window opens again; null for total."`
}

// Amount is a figure with its unit as its name: exactly one field is present.
type Amount struct {
	Requests *int64  `json:"requests,omitempty"`
	Tokens   *int64  `json:"tokens,omitempty"`
	USD      *string `json:"usd,omitempty"`
	InFlight *int64  `json:"in_flight,omitempty" doc:"Requests at the same time."`
}
