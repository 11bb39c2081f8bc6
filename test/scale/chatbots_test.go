package scale

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/internal/authority"
	"tollgate/internal/catalog"
	"tollgate/internal/key"
	"tollgate/internal/ledger"
	"tollgate/internal/llm"
	"tollgate/internal/policy"
	"tollgate/internal/store/sqlite"
)

var (
	chatbots = flag.Int("chatbots", 200, "how many chatbots are stored")
	grants   = flag.Int("grants", 2000, "how many grants of keys for chatbots are stored")
)

// grantedOf is how many chatbots a key opens.
const grantedOf = 10

// seedChatbots stores chatbots and so many grants, ten for each key; the key with
// number i opens the chatbot with number i*10, and the nine behind it.
func seedChatbots(tb testing.TB, dir string, bots, grants int) secrets {
	tb.Helper()
	db, err := sqlite.Open(tb.Context(), filepath.Join(dir, "tollgate.db"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	store := db.Authority()
	if _, err := authority.New(store, authority.Options{}).EnsureRoot(tb.Context(), rootKey()); err != nil {
		tb.Fatal(err)
	}
	root, err := store.Management.RootKey(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	most := int64(500)
	act := func(action string) authority.Act {
		return authority.Act{Event: authority.Event{OrganizationID: root.OrganizationID, At: at, ActorID: "seed", Action: action}}
	}
	for i := range bots {
		c := authority.Chatbot{
			ID: botID(i), OrganizationID: root.OrganizationID, Name: "bot", Slug: fmt.Sprintf("bot-%d", i), Model: "gpt-4o-mini", SystemPrompt: "Be brief.",
			MaxTokens: &most, AccessMode: authority.AccessKey, Status: authority.StatusActive, CreatedAt: at, UpdatedAt: at, Version: 1,
		}
		if err := store.Chatbots.CreateChatbot(tb.Context(), c, act("chatbot.create")); err != nil {
			tb.Fatal(err)
		}
	}
	var all strings.Builder
	for i := range grants / grantedOf {
		text := key.New(key.DefaultPrefix).Reveal()
		all.WriteString(text)
		row := authority.KeyRow{Hashes: []key.Hash{key.HashOf(text)}}
		row.ID, row.OrganizationID, row.Name = fmt.Sprintf("key_%032x", i), root.OrganizationID, fmt.Sprintf("key %d", i)
		row.Kind, row.Status, row.Prefix, row.Version = "service", authority.StatusActive, "tg_00000", 1
		row.CreatedAt, row.UpdatedAt, row.Tags, row.Permissions = at, at, []string{}, map[string]bool{}
		row.Limits = seededLimits()
		row.Secrets = []authority.Secret{{ID: "sec_" + row.ID, Prefix: row.Prefix, CreatedAt: at}}
		for j := range grantedOf {
			row.Grants = append(row.Grants, authority.ChatbotGrant{
				OrganizationID: root.OrganizationID, ChatbotID: botID((i*grantedOf + j) % bots), KeyID: row.ID, CreatedAt: at, CreatedBy: "seed", Version: 1,
			})
		}
		if err := store.Keys.CreateKey(tb.Context(), row, nil, act("api_key.create")); err != nil {
			tb.Fatal(err)
		}
	}
	return secrets(all.String())
}

func botID(i int) string { return fmt.Sprintf("bot_%032x", i) }

// talk takes a request to a chatbot through everything but the body and the
// provider.
func (h *house) talk(ctx context.Context, secretKey, slug string, now time.Time) (*ledger.Hold, error) {
	bot, err := h.auth.FindChatbot(ctx, slug)
	if err != nil {
		return nil, err
	}
	grant, err := h.auth.Authenticate(ctx, secretKey)
	if err != nil {
		return nil, err
	}
	if grant, err = grant.Through(bot); err != nil {
		return nil, err
	}
	ask := policy.Ask{
		Now: now, IP: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Scope: llm.ScopeChatbot, Endpoint: "/chatbots/{id}/v1/chat/completions",
		Format: llm.OpenAI, Chatbot: bot.Rules(),
	}
	if f := grant.Rules().AdmitRoute(&ask); f != nil {
		return nil, f
	}
	if f := grant.Rules().AdmitGrant(&ask); f != nil {
		return nil, f
	}
	target, err := h.models.Resolve(bot.Fixed().Model, time.Now(), nil)
	if err != nil {
		return nil, err
	}
	ask.Provider, ask.Model = target.Provider, target.Name
	if f := grant.Rules().AdmitModel(&ask); f != nil {
		return nil, f
	}
	return h.ledger.Reserve(ctx, &ledger.Request{
		Chain: grant.Chain(), Location: grant.Location(), Input: 1300, InputCost: target.Model.InputBound(1300, catalog.AnyInput),
		Output: 500, LeastOutput: 64, OutputPrice: target.Model.OutputPrice(1300),
		Entry: ledger.Entry{
			KeyName: grant.KeyName(), Provider: target.Provider, Model: target.Name, Format: llm.OpenAI,
			Endpoint: "/chatbots/{id}/v1/chat/completions", Prices: target.Model.Prices(),
		},
	})
}

// BenchmarkChatbotDecision is BenchmarkDecision for requests to chatbots. Its
// figures are to be the same for few chatbots and for as many as the flags say. A
// thousand keys take turns; each speaks to one chatbot, so that with ten chatbots ten
// are spoken to, and else a thousand: what that costs, which is the memory that is
// touched and not how many there are, is the difference between the first two.
//
//	go test ./test/scale -run - -bench ChatbotDecision -count 5 -chatbots 10000 -grants 100000
func BenchmarkChatbotDecision(b *testing.B) {
	for _, n := range []struct{ bots, grants int }{{10, 10_000}, {1000, 10_000}, {*chatbots, *grants}} {
		b.Run(fmt.Sprintf("chatbots=%d/grants=%d", n.bots, n.grants), func(b *testing.B) {
			dir, all := storedChatbots(b, n.bots, n.grants)
			h := open(b, dir)
			defer h.close()
			used := min(1000, all.len())
			text, slug := make([]string, used), make([]string, used)
			now := time.Now()
			for i := range used { // in use before
				text[i], slug[i] = all.at(i), fmt.Sprintf("bot-%d", (i*grantedOf+i/100%grantedOf)%n.bots)
				hold, err := h.talk(b.Context(), text[i], slug[i], now)
				if err != nil {
					b.Fatal(err)
				}
				settle(b, hold)
			}
			_ = h.ledger.Flush(b.Context())
			holds := make([]*ledger.Hold, 0, 4096)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				hold, err := h.talk(b.Context(), text[i%used], slug[i%used], now)
				if err != nil {
					b.Fatal(err)
				}
				if holds = append(holds, hold); len(holds) == cap(holds) {
					b.StopTimer()
					for _, hold := range holds {
						settle(b, hold)
					}
					holds = holds[:0]
					_ = h.ledger.Flush(b.Context())
					b.StartTimer()
				}
			}
			b.StopTimer()
			for _, hold := range holds {
				settle(b, hold)
			}
		})
	}
}

// seededChatbots is the databases with chatbots made so far.
var seededChatbots = map[[2]int]struct {
	dir     string
	secrets secrets
}{}

func storedChatbots(b *testing.B, bots, grants int) (dir string, all secrets) {
	s, ok := seededChatbots[[2]int{bots, grants}]
	if !ok {
		var err error
		if s.dir, err = os.MkdirTemp("", "tollgate-scale-"); err != nil {
			b.Fatal(err)
		}
		s.secrets = seedChatbots(b, s.dir, bots, grants)
		seededChatbots[[2]int{bots, grants}] = s
	}
	return s.dir, s.secrets
}

// TestSmallChatbots keeps the benchmark honest in an ordinary test run.
func TestSmallChatbots(t *testing.T) {
	dir := t.TempDir()
	all := seedChatbots(t, dir, 20, 30)
	h := open(t, dir)
	defer h.close()
	hold, err := h.talk(t.Context(), all.at(1), "bot-13", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	settle(t, hold)
	if _, err := h.talk(t.Context(), all.at(1), "bot-3", time.Now()); err == nil {
		t.Error("a key opened a chatbot without a grant")
	}
}
