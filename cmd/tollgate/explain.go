package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"tollgate/api"
	"tollgate/client"
)

// explainCmd asks what the gate would answer.
type explainCmd struct {
	remote          `embed:""`
	KeyID           string `name:"key-id" xor:"key" placeholder:"ID" help:"Id of the key."`
	Key             string `xor:"key" placeholder:"KEY" help:"The key itself; - reads it from the standard input."`
	Model           string `placeholder:"MODEL" help:"Model, as the caller writes it."`
	Endpoint        string `placeholder:"PATH" help:"Path of the route, such as /v1/embeddings."`
	IP              string `name:"ip" placeholder:"ADDRESS" help:"The caller's address."`
	APIFormat       string `name:"api-format" placeholder:"FORMAT" help:"openai, anthropic, gemini or cohere."`
	Chatbot         string `placeholder:"ID" help:"Chatbot that is asked; without a key, as a caller who has none."`
	InputTokens     int64  `placeholder:"N" help:"Size of the prompt in tokens."`
	MaxOutputTokens int64  `placeholder:"N" help:"The caller's own output cap in tokens."`
}

// Help shows examples.
func (explainCmd) Help() string {
	return `Nothing is taken from any limit, and no provider is asked. The exit code is 0 whatever the verdict; scripts read "allowed" from --json.

Examples:

	tollgate explain --key-id key_0192… --model gpt-4o-mini
	tollgate explain --key-id key_0192… --model gpt-4o --ip 203.0.113.7 --input-tokens 2000 --max-output-tokens 500
	tollgate explain --chatbot bot_0192… --ip 203.0.113.7
	echo "$KEY" | tollgate explain --key - --model gpt-4o-mini`
}

// Run asks and prints the trace.
func (c *explainCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if c.Key == "" && c.KeyID == "" && c.Chatbot == "" {
		return misuse("whose request? name --key-id or --key, or for a caller without a key --chatbot")
	}
	var err error
	if c.Key, err = p.secretOf(c.Key); err != nil {
		return err
	}
	result, err := cl.Explain(ctx, api.ExplainRequest{
		Key: c.Key, KeyID: c.KeyID, Model: c.Model, Endpoint: c.Endpoint, IP: c.IP, APIFormat: c.APIFormat, Chatbot: c.Chatbot,
		InputTokens: c.InputTokens, MaxOutputTokens: c.MaxOutputTokens,
	})
	if err != nil {
		return err
	}
	return p.print(result, func() { p.explained(result) })
}

// secretOf is a secret as a flag says it: - is the first line of the standard
// input.
func (t *terminal) secretOf(flag string) (string, error) {
	if flag != "-" {
		return flag, nil
	}
	line, err := bufio.NewReader(io.LimitReader(t.stdin, 8192)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read the key from the standard input: %w", err)
	}
	return strings.TrimSpace(line), nil
}

func (p *printer) explained(r api.ExplainResult) {
	if r.Allowed {
		p.printf("allowed\n\n")
	} else {
		p.printf("refused: %s (%s)\n\n", plain(r.Reason), r.Code)
	}
	rows := [][]string{{"", "RULE", "USED", "HELD", "ASKED", "MAX", "DETAIL"}}
	for _, s := range r.Steps {
		row := []string{s.Verdict, s.Rule, "", "", "", "", plain(s.Detail)}
		if l := s.Limit; l != nil {
			row[1] = s.Rule + " (" + l.Subject + ")"
			row[2], row[3], row[4], row[5] = amount(l.Used), amount(l.Held), amount(l.Asked), amount(l.Max)
		}
		rows = append(rows, row)
	}
	p.table(rows)
}

// amount is a figure with its unit.
func amount(a api.Amount) string {
	switch {
	case a.Requests != nil:
		return counted(*a.Requests, "request")
	case a.Tokens != nil:
		return counted(*a.Tokens, "token")
	case a.InFlight != nil:
		return count(*a.InFlight) + " in flight"
	case a.USD != nil:
		return "$" + *a.USD
	}
	return ""
}
