package sqlite

import (
	"encoding/json"
	"fmt"

	"tollgate/internal/ledger"
)

// attemptsText is attempts as the column holds them; "" for none, which nearly
// every entry has.
func attemptsText(list []ledger.Attempt) string {
	if len(list) == 0 {
		return ""
	}
	rows := make([][4]any, len(list))
	for i, a := range list {
		rows[i] = [4]any{a.Provider, a.Model, a.Status, a.DurationMS}
	}
	text, _ := json.Marshal(rows) // texts and numbers can always be written
	return string(text)
}

// readAttempts reads what attemptsText writes.
func readAttempts(text string) ([]ledger.Attempt, error) {
	if text == "" {
		return nil, nil
	}
	var rows [][4]json.RawMessage
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return nil, fmt.Errorf("attempts: %w", err)
	}
	list := make([]ledger.Attempt, len(rows))
	for i, row := range rows {
		a := &list[i]
		for j, to := range [...]any{&a.Provider, &a.Model, &a.Status, &a.DurationMS} {
			if err := json.Unmarshal(row[j], to); err != nil {
				return nil, fmt.Errorf("attempts: %w", err)
			}
		}
	}
	return list, nil
}
