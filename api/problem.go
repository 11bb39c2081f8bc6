package api

// ProblemMediaType is the Content-Type of every error of the management API.
const ProblemMediaType = "application/problem+json"

// Problem is an error answer: problem details of RFC 9457, with a stable code
// for programs and every wrong field at once.
type Problem struct {
	Type      string       `json:"type" doc:"Always about:blank: the code says more." example:"about:blank"`
	Title     string       `json:"title" doc:"The HTTP status in words." example:"Unprocessable Entity"`
	Status    int          `json:"status" doc:"The HTTP status." example:"422"`
	Detail    string       `json:"detail" doc:"What happened, which value, what to do." example:"1 field is wrong."`
	Code      string       `json:"code" doc:"Stable word for programs." example:"validation_failed"`
	Param     string       `json:"param,omitempty" doc:"The one field or parameter at fault, if there is one."`
	Errors    []FieldError `json:"errors,omitempty" doc:"Every wrong field. Submitted values are never repeated."`
	RequestID string       `json:"request_id,omitempty" doc:"Names the log line; give it when you ask for help." example:"req_4tqzjdbnnkyqhxqgpzk3m7wgxe"`
}

// FieldError is one wrong field of a body or one wrong parameter of the query.
type FieldError struct {
	Field   string `json:"field" doc:"JSON name of the field, dotted when nested." example:"rate_limit_per_minute"`
	Message string `json:"message" doc:"What is wrong and what would be right." example:"must be 1 to 10000, or null for no limit"`
}
