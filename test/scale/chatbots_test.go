package scale

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
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

// BenchmarkChatbotDecision is BenchmarkDecision for requests to chatbots. A thousand
// keys take turns, each speaks to one chatbot. The figures are to be the same for a
// thousand chatbots and for as many as the flags say: then the cost does not depend on
// how many there are. With ten chatbots it is less, because ten are spoken to and not a
// thousand, and what is read of them stays in the nearest cache. The sizes take turns
// too, a few milliseconds each, so that what else the machine does meets all of them;
// what is reported is the median of the turns:
//
//	go test ./test/scale -run - -bench ChatbotDecision -benchtime 200x -count 5 -chatbots 10000 -grants 100000
func BenchmarkChatbotDecision(b *testing.B) {
	const turn = 4000 // requests
	var all []*talkers
	for _, n := range []struct{ bots, grants int }{{10, 10_000}, {1000, 10_000}, {*chatbots, *grants}} {
		x := talkersOf(b, n.bots, n.grants)
		defer x.h.close()
		all = append(all, x)
	}
	now, holds := time.Now(), make([]*ledger.Hold, 0, turn)
	for b.Loop() {
		for _, x := range all {
			for _, warm := range []bool{false, true} {
				began := time.Now()
				for i := range turn {
					hold, err := x.h.talk(b.Context(), x.text[i%len(x.text)], x.slug[i%len(x.text)], now)
					if err != nil {
						b.Fatal(err)
					}
					holds = append(holds, hold)
				}
				if took := time.Since(began); warm {
					x.turns = append(x.turns, took.Nanoseconds()/turn)
				}
				for _, hold := range holds {
					settle(b, hold)
				}
				holds = holds[:0]
				_ = x.h.ledger.Flush(b.Context())
			}
		}
	}
	b.ReportMetric(0, "ns/op") // of all of it together, which says nothing
	for _, x := range all {
		b.ReportMetric(x.median(), fmt.Sprintf("ns/%d-chatbots", x.bots))
	}
	b.ReportMetric(all[2].median()/all[1].median(), "of-1000")
	b.ReportMetric(all[2].median()/all[0].median(), "of-10")
}

// talkers are the keys that take turns, and what the turns took.
type talkers struct {
	h          *house
	bots       int
	text, slug []string
	turns      []int64
}

// talkersOf opens a house in which each of them has spoken once.
func talkersOf(b *testing.B, bots, grants int) *talkers {
	dir, all := storedChatbots(b, bots, grants)
	x := &talkers{h: open(b, dir), bots: bots}
	for i := range min(1000, all.len()) {
		x.text = append(x.text, all.at(i))
		x.slug = append(x.slug, fmt.Sprintf("bot-%d", (i*grantedOf+i/100%grantedOf)%bots))
		hold, err := x.h.talk(b.Context(), x.text[i], x.slug[i], time.Now())
		if err != nil {
			b.Fatal(err)
		}
		settle(b, hold)
	}
	_ = x.h.ledger.Flush(b.Context())
	return x
}

func (x *talkers) median() float64 {
	slices.Sort(x.turns)
	return float64(x.turns[len(x.turns)/2])
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
