package simulate

// Header values that never change; net/http only reads them.
var (
	typeJSON   = []string{"application/json"}
	typeEvents = []string{"text/event-stream; charset=utf-8"}
	typeSound  = []string{"audio/mpeg"}
	typeText   = []string{"text/plain; charset=utf-8"}
	noCache    = []string{"no-cache"}

	azureRegion        = []string{"Sweden Central"}
	azureInvoked       = []string{"true"}
	openAIVersion      = []string{"2020-10-01"}
	openAIOrganization = []string{"simulated"}
	processingMs       = []string{"1"}
	limitRequests      = []string{"10000"}
	remainingRequests  = []string{"9999"}
	resetRequests      = []string{"6ms"}
	limitTokens        = []string{"200000"}
	remainingTokens    = []string{"199000"}
	resetTokens        = []string{"300ms"}
)

// headers sets what each provider's answers carry whatever they say.
func (wk *work) headers() {
	h := wk.w.Header()
	id := []string{wk.requestID}
	if wk.answer.azure {
		h["Apim-Request-Id"] = []string{"apim-" + wk.requestID}
		h["X-Ms-Region"] = azureRegion
		h["X-Ms-Rai-Invoked"] = azureInvoked
	}
	switch wk.answer.wire.(type) {
	case anthropic:
		h["Request-Id"] = id
		h["Anthropic-Ratelimit-Requests-Limit"] = limitRequests
		h["Anthropic-Ratelimit-Requests-Remaining"] = remainingRequests
	case gemini:
		h["X-Request-Id"] = id
	case cohere:
		h["X-Debug-Trace-Id"] = id
		h["X-Trial-Endpoint-Call-Remaining"] = remainingRequests
	default:
		h["X-Request-Id"] = id
		h["Openai-Version"] = openAIVersion
		h["Openai-Organization"] = openAIOrganization
		h["Openai-Processing-Ms"] = processingMs
		h["X-Ratelimit-Limit-Requests"] = limitRequests
		h["X-Ratelimit-Remaining-Requests"] = remainingRequests
		h["X-Ratelimit-Reset-Requests"] = resetRequests
		h["X-Ratelimit-Limit-Tokens"] = limitTokens
		h["X-Ratelimit-Remaining-Tokens"] = remainingTokens
		h["X-Ratelimit-Reset-Tokens"] = resetTokens
	}
}
