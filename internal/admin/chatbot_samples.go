package admin

import (
	"time"

	"tollgate/api"
)

func createChatbotSamples() []sample {
	return []sample{
		{"least", "A chatbot that wants a key", api.ChatbotInput{Name: api.Set("Orders"), Model: api.Set("gpt-4o-mini")}},
		{"public", "One for everybody on a page, with what it may cost in a day", api.ChatbotInput{
			Name: api.Set("Support"), Slug: api.Set("support"), Provider: api.Set("openai"), Model: api.Set("gpt-4o-mini"),
			SystemPrompt: api.Set("You help with orders. Be brief."), Temperature: api.Set(0.3), MaxTokens: api.Set[int64](500),
			Greeting: api.Set("How can I help?"), AllowedOrigins: api.Set([]string{"https://www.example.com"}), AccessMode: api.Set("public"),
			AnonymousRateLimitPerMinute: api.Set[int64](10),
			LimitsInput:                 api.LimitsInput{BudgetLimitCents: api.Set[int64](2000), BudgetType: api.Set("daily")},
		}},
	}
}

func updateChatbotSamples() []sample {
	return []sample{
		{"prompt", "Other instructions, and another model", api.ChatbotInput{SystemPrompt: api.Set("Answer in verse."), Model: api.Set("gpt-4o")}},
		{"close", "Let in nobody without a key any more", api.ChatbotInput{AccessMode: api.Set("key_required")}},
		{"budget", "Five dollars a day, and no more than three requests at once", api.ChatbotInput{LimitsInput: api.LimitsInput{
			BudgetLimitCents: api.Set[int64](500), BudgetType: api.Set("daily"), ConcurrentLimit: api.Set[int64](3),
		}}},
	}
}

func grantSamples() []sample {
	return []sample{
		{"ever", "A key may open the chatbot", api.ChatbotGrantInput{KeyID: api.Set(exampleKey)}},
		{"until", "Until the end of the century", api.ChatbotGrantInput{KeyID: api.Set(exampleKey), ExpiresAt: api.Set(sampleAt())}},
	}
}

func updateGrantSamples() []sample {
	return []sample{
		{"until", "It ends at the end of the century", api.ChatbotGrantInput{ExpiresAt: api.Set(sampleAt())}},
		{"ever", "It does not end", api.ChatbotGrantInput{ExpiresAt: api.Null[time.Time]()}},
	}
}
