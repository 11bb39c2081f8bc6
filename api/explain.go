package api

import "time"

// ExplainRequest describes a request that somebody might send. Either key or
// key_id is given, or neither for a caller without a key at a chatbot; what else is
// left out is not judged.
type ExplainRequest struct {
	Key             string `json:"key,omitempty" nullable:"true" doc:"The key itself. It is looked up and never stored or shown." maxLength:"1000" writeOnly:"true"`
	KeyID           string `json:"key_id,omitempty" nullable:"true" doc:"The id of a key, instead of the key." maxLength:"200" example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	Model           string `json:"model,omitempty" nullable:"true" doc:"As the caller would write it." maxLength:"512" example:"gpt-4o-mini"`
	Endpoint        string `json:"endpoint,omitempty" nullable:"true" doc:"Path of the route; left out, it is the chat route of the format." maxLength:"1000" example:"/v1/chat/completions"`
	IP              string `json:"ip,omitempty" nullable:"true" doc:"The caller's address." maxLength:"100" example:"203.0.113.7"`
	APIFormat       string `json:"api_format,omitempty" nullable:"true" enum:"openai,anthropic,gemini,cohere" doc:"The format that the caller speaks; left out, that of the path."`
	Chatbot         string `json:"chatbot,omitempty" nullable:"true" doc:"Id or slug of the chatbot whose path is asked; its model is then asked for, whatever model says. Left out, it is a plain route." maxLength:"200"`
	InputTokens     int64  `json:"input_tokens,omitempty" nullable:"true" minimum:"0" maximum:"9007199254740991" doc:"Size of the prompt, in tokens." example:"2000"`
	MaxOutputTokens int64  `json:"max_output_tokens,omitempty" nullable:"true" minimum:"0" maximum:"9007199254740991" doc:"The caller's output cap, in tokens; 0 is none." example:"500"`
}

// ExplainResult is what the gate would say now, and why. Nothing was taken from
// any limit.
type ExplainResult struct {
	Allowed bool          `json:"allowed" doc:"Whether the gate would let it through." example:"true"`
	Code    string        `json:"code" doc:"The error code of the first rule that denies; empty when allowed." example:""`
	Reason  string        `json:"reason" doc:"The same in words." example:"Every rule that was asked allows it."`
	KeyID   string        `json:"key_id,omitempty" doc:"Id of the key that was judged; left out when there is none." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	Steps   []ExplainStep `json:"steps" nullable:"false" doc:"Every rule, in the order in which the gate asks them."`
}

// ExplainStep is one rule or limit and what it says. Verdict is allow or deny;
// skip when the request said nothing that this rule could judge.
type ExplainStep struct {
	Rule    string        `json:"rule" doc:"The rule, or the limit by the name of its field." example:"rate_limit_per_minute"`
	Verdict string        `json:"verdict" enum:"allow,deny,skip" doc:"skip: the description said nothing that this rule could judge."`
	Code    string        `json:"code,omitempty" doc:"The error code, when the verdict is deny; left out otherwise."`
	Detail  string        `json:"detail" doc:"Why, for people." example:"0 of 60 requests are used."`
	Limit   *ExplainLimit `json:"limit,omitempty" doc:"The counters, when the rule is a limit; left out otherwise."`
}

// ExplainLimit is one limit with its counters. A request fits when used + held +
// asked is at most max.
type ExplainLimit struct {
	Subject   string     `json:"subject" enum:"organization,user,key,visitor,chatbot,credential" doc:"Whose limit it is." example:"key"`
	SubjectID string     `json:"subject_id" doc:"Id of whose limit it is." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
	Meter     string     `json:"meter" enum:"requests,tokens,cost,concurrency" doc:"What is counted."`
	Window    string     `json:"window" enum:"minute,hour,day,week,month,total" doc:"Over which span. minute and hour trail the present; day, week and month are those of the calendar."`
	Mode      string     `json:"mode" enum:"hard,soft" doc:"hard is never passed; soft may be passed by what is in flight."`
	Max       Amount     `json:"max" doc:"The limit."`
	Used      Amount     `json:"used" doc:"What is used of it in the window."`
	Held      Amount     `json:"held" doc:"By requests in flight."`
	Asked     Amount     `json:"asked" doc:"By this request, at most."`
	ResetsAt  *time.Time `json:"resets_at" doc:"When the window opens again; null for total." example:"2026-11-20T12:01:00Z"`
}

// Amount is a figure with its unit as its name: exactly one field is present.
type Amount struct {
	Requests *int64  `json:"requests,omitempty" doc:"A number of requests." example:"60"`
	Tokens   *int64  `json:"tokens,omitempty" doc:"A number of tokens."`
	USD      *string `json:"usd,omitempty" doc:"US dollars as decimal text."`
	InFlight *int64  `json:"in_flight,omitempty" doc:"Requests at the same time."`
}
