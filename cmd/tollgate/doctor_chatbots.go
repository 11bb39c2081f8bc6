package main

import (
	"context"
	"fmt"
	"strings"

	"tollgate/api"
	"tollgate/client"
)

// checkChatbots looks at who is let in by each chatbot, where the token may see
// them; nothing where there are none.
func checkChatbots(ctx context.Context, cl *client.Client, token string) []check {
	if token == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var all []api.Chatbot
	for after := ""; ; after = all[len(all)-1].ID {
		list, err := cl.Chatbots(ctx, client.ChatbotQuery{Size: 100, After: after})
		if err != nil { // the check of the token has said why
			return nil
		}
		if all = append(all, list.Chatbots...); len(list.Chatbots) < 100 {
			break
		}
	}
	if len(all) == 0 {
		return nil
	}
	const name = "chatbots"
	checks := []check{
		doubtful(name, all, unbounded, "tollgate chatbots update ID --budget-usd 20 --budget-type monthly", "open to callers without a key, and without a budget of its own"),
		doubtful(name, all, deserted, "tollgate chatbots grant ID --key-id KEY", "closed to everybody, for no key opens it"),
	}
	if checks[0].State == stateOK && checks[1].State == stateOK {
		return []check{passed(name, "%s: those that are open have a budget, and the others a key", counted(int64(len(all)), "chatbot"))}
	}
	var doubts []check
	for _, c := range checks {
		if c.State != stateOK {
			doubts = append(doubts, c)
		}
	}
	return doubts
}

// serving reports whether a chatbot is meant to let in anybody.
func serving(c api.Chatbot) bool { return c.IsActive && c.AccessMode != "disabled" }

func unbounded(c api.Chatbot) bool {
	return serving(c) && !c.KeyRequired && c.BudgetLimitCents == nil
}

func deserted(c api.Chatbot) bool { return serving(c) && c.KeyRequired && !c.HasActiveAPIKey }

// doubtful warns of those chatbots of which bad is true.
func doubtful(name string, all []api.Chatbot, bad func(api.Chatbot) bool, fix, text string) check {
	var names []string
	for _, c := range all {
		if bad(c) {
			names = append(names, plain(c.Slug))
		}
	}
	if len(names) == 0 {
		return passed(name, "none is %s", text)
	}
	shown := strings.Join(names[:min(len(names), 5)], ", ")
	if more := len(names) - 5; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	return warned(name, fix, "%s: %s", shown, text)
}
