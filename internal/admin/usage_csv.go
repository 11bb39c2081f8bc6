package admin

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api"
	"tollgate/internal/ledger"
)

const csvMediaType = "text/csv"

// writeJSON is an answer in JSON.
func writeJSON(v any) *usageAnswer {
	return &usageAnswer{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/json")
		_ = marshal(hc.BodyWriter(), v) // a caller that has left
	}}
}

// csvWriter writes rows of CSV (RFC 4180).
type csvWriter struct{ *csv.Writer }

// write writes one row. Text that a spreadsheet would take for a formula gets an
// apostrophe in front: names of keys and models come from anybody.
func (w *csvWriter) write(cells []string) error {
	for i, c := range cells {
		if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
			if _, err := strconv.ParseFloat(c, 64); err != nil {
				cells[i] = "'" + c
			}
		}
	}
	return w.Write(cells)
}

// writeCSV is an answer in CSV, with a line of column names. When rows fails, the
// connection is broken off, because half an export must not look like a whole one.
func (s *service) writeCSV(name string, columns []string, rows func(*csvWriter) error) *usageAnswer {
	return &usageAnswer{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", csvMediaType+"; charset=utf-8")
		hc.SetHeader("Content-Disposition", `attachment; filename="tollgate-`+name+`.csv"`)
		w := &csvWriter{csv.NewWriter(hc.BodyWriter())}
		err := w.Write(columns)
		if err == nil {
			err = rows(w)
		}
		w.Flush()
		if err == nil {
			err = w.Error()
		}
		if err != nil {
			s.log.WarnContext(hc.Context(), "an export was broken off", "error", err, "request_id", requestID(hc.Context()))
			panic(http.ErrAbortHandler)
		}
	}}
}

func rowColumns() []string {
	return []string{
		"request_id", "upstream_request_id", "at", "duration_ms", "key_id", "key_name", "user_id", "chatbot_id", "credential_id",
		"provider", "model", "api_format", "endpoint", "stream", "status", "outcome",
		"input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost_usd", "byok",
		"images", "seconds", "characters", "searches", "attempts",
	}
}

func rowCells(r api.UsageRow) []string {
	return []string{
		r.RequestID, r.UpstreamRequestID, r.At.Format(time.RFC3339Nano), whole(r.DurationMS), r.KeyID, r.KeyName,
		orEmpty(r.UserID), orEmpty(r.ChatbotID), orEmpty(r.CredentialID),
		r.Provider, r.Model, r.APIFormat, r.Endpoint, strconv.FormatBool(r.Stream), strconv.Itoa(r.Status), r.Outcome,
		whole(r.InputTokens), whole(r.CacheReadTokens), whole(r.CacheWriteTokens), whole(r.OutputTokens), whole(r.ReasoningTokens),
		r.CostUSD, strconv.FormatBool(r.BYOK),
		whole(r.Images), whole(r.Seconds), whole(r.Characters), whole(r.Searches), whole(max(int64(len(r.Attempts)), 1)),
	}
}

func groupColumns(by []ledger.Dimension) []string {
	names := map[ledger.Dimension][]string{
		ledger.ByDay: {"date"}, ledger.ByKey: {"key_id", "key_name"}, ledger.ByUser: {"user_id"},
		ledger.ByProvider: {"provider"}, ledger.ByModel: {"model"}, ledger.ByChatbot: {"chatbot_id"},
		ledger.ByCredential: {"credential_id"},
	}
	var columns []string
	for _, d := range by {
		columns = append(columns, names[d]...)
	}
	return append(columns, "requests", "failed", "tokens", "input_tokens", "output_tokens", "cost_usd", "average_response_ms")
}

func groupCells(g api.UsageGroup, by []ledger.Dimension) []string {
	values := map[ledger.Dimension][]string{
		ledger.ByDay: {orEmpty(g.Date)}, ledger.ByKey: {orEmpty(g.KeyID), orEmpty(g.KeyName)}, ledger.ByUser: {orEmpty(g.UserID)},
		ledger.ByProvider: {orEmpty(g.Provider)}, ledger.ByModel: {orEmpty(g.Model)}, ledger.ByChatbot: {orEmpty(g.ChatbotID)},
		ledger.ByCredential: {orEmpty(g.CredentialID)},
	}
	var cells []string
	for _, d := range by {
		cells = append(cells, values[d]...)
	}
	return append(cells, whole(g.Requests), whole(g.Failed), whole(g.Tokens), whole(g.InputTokens), whole(g.OutputTokens),
		g.CostUSD, whole(g.AverageResponseMS))
}

func whole(n int64) string { return strconv.FormatInt(n, 10) }

// orEmpty is nothing for null.
func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
