package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// verify asks tollgate for its ledger and compares it with what was sent: a gate
// that keeps no account would look cheap.
func (t *target) verify(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.addr+"/api/v1/usage?size=1000", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+t.root)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var ledger struct {
		Total int64
		Usage []struct {
			Outcome      string
			InputTokens  int64 `json:"input_tokens"`
			OutputTokens int64 `json:"output_tokens"`
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&ledger); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("reading the ledger: %s, %v", resp.Status, err)
	}
	if sent := t.sent.Load(); ledger.Total != sent {
		return fmt.Errorf("the ledger has %d entries for %d requests", ledger.Total, sent)
	}
	for _, e := range ledger.Usage {
		if e.Outcome != "settled" || !slices.Contains(t.answers, e.OutputTokens) || e.InputTokens == 0 {
			return fmt.Errorf("the ledger has an entry that is %s with %d + %d tokens; answers had %d", e.Outcome, e.InputTokens, e.OutputTokens, t.answers)
		}
	}
	return nil
}
