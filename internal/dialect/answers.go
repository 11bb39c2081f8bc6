package dialect

// answers is how the answers on a route say what they have.
type answers uint8

const (
	answersUsual    answers = iota // as its format mostly does
	answersResponse                // a Response, or events about one
)

// responseKinds are the kinds of providers that have OpenAI's Responses.
var responseKinds = []string{"openai", "azure", "huggingface", "custom", "demo"}

// capField is the field of the output cap that the route has, where the format's
// mostly is usual.
func (r *Route) capField(usual string) string {
	if r.answers == answersResponse {
		return "max_output_tokens"
	}
	return usual
}
