package dialect

// answers is how the answers on a route say what they have.
type answers uint8

const (
	answersUsual      answers = iota // as its format mostly does
	answersResponse                  // a Response, or events about one
	answersImages                    // pictures
	answersSpeech                    // sound, or events with it
	answersTranscript                // what was said, as JSON, as text, or events with it
)

// realtimeKinds are the kinds of providers that have OpenAI's Realtime API.
var realtimeKinds = []string{"openai", "azure", "custom", "demo"}

// responseKinds are the kinds of providers that have OpenAI's Responses.
var responseKinds = []string{"openai", "azure", "huggingface", "custom", "demo"}

// imageKinds and soundKinds are the kinds of providers that have OpenAI's routes for
// pictures and for sound, moderationKinds those that have its moderations.
var (
	imageKinds      = []string{"openai", "azure", "custom", "demo"}
	soundKinds      = []string{"openai", "azure", "custom", "demo"}
	moderationKinds = []string{"openai", "custom", "demo"}
)

// capField is the field of the output cap that the route has, where the format's
// mostly is usual.
func (r *Route) capField(usual string) string {
	if r.answers == answersResponse {
		return "max_output_tokens"
	}
	return usual
}
