package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/pricelist"
)

// priceListFlags say which list is read, and what of it.
type priceListFlags struct {
	List     string                  `arg:"" name:"file|url" help:"LiteLLM's model_prices_and_context_window.json or models.dev's api.json: a file, - for the standard input, or an https address."`
	From     api.Optional[time.Time] `placeholder:"TIME" help:"From when on the prices hold, RFC 3339; without it, from now on."`
	Only     []string                `placeholder:"SLUG" help:"Only these providers, by their names here; may be repeated."`
	Provider map[string]string       `placeholder:"THEIRS=OURS" help:"What a provider of the list is called here; may be repeated."`
	Free     bool                    `help:"Models whose prices are all zero are free; else they are left out, for lists write zero where they do not know."`
	All      bool                    `help:"List every model that is left out, not only how many there are."`
}

type pricesImportCmd struct {
	priceListFlags `embed:""`
	DryRun         bool `help:"Only say what would come of it, as prices diff does."`
}

// Help shows examples.
func (pricesImportCmd) Help() string {
	return `What a list does not say stays as it is. Prices that change nothing are not stored, so an import can be repeated. What is finer than a millionth of a dollar for a million tokens is rounded up, and said. What cannot be carried over is listed.

Examples:

	tollgate prices import https://models.dev/api.json --only openai --only anthropic --dry-run
	tollgate prices import model_prices_and_context_window.json --from 2026-12-01T00:00:00Z`
}

// Run imports the list.
func (c *pricesImportCmd) Run(ctx context.Context, t *terminal, cl *client.Client, p *printer) error {
	return c.run(ctx, t, cl, p, c.DryRun)
}

type pricesDiffCmd struct {
	priceListFlags `embed:""`
}

// Help shows examples.
func (pricesDiffCmd) Help() string {
	return `It changes nothing.

Examples:

	tollgate prices diff https://models.dev/api.json --only google
	tollgate prices diff model_prices_and_context_window.json --provider vertex_ai-language-models=google --all`
}

// Run compares the list with the prices here.
func (c *pricesDiffCmd) Run(ctx context.Context, t *terminal, cl *client.Client, p *printer) error {
	return c.run(ctx, t, cl, p, true)
}

// listReport is what came of a list.
type listReport struct {
	Source    string            `json:"source"`
	DryRun    bool              `json:"dry_run"`
	New       int               `json:"new"`
	Changed   int               `json:"changed"`
	Unchanged int               `json:"unchanged"`
	Refused   int               `json:"refused"`
	Results   []api.PriceResult `json:"results"`
	Notes     []listNote        `json:"notes"`
	LeftOut   []listNote        `json:"left_out"`
}

// listNote is something that is to be said of one model.
type listNote struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Text     string `json:"text"`
}

// pricesAtOnce is how many rows are sent at once.
const pricesAtOnce = 200

func (f *priceListFlags) run(ctx context.Context, t *terminal, cl *client.Client, p *printer, dry bool) error {
	file, err := openList(ctx, t, f.List)
	if err != nil {
		return err
	}
	list, err := pricelist.Read(file, pricelist.Options{Providers: f.Provider, Free: f.Free})
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s: %w", f.List, err)
	}
	report := listReport{Source: list.Source, DryRun: dry, Results: []api.PriceResult{}, Notes: []listNote{}, LeftOut: []listNote{}}
	rows, names := f.wanted(list, &report)
	bar := t.progress("models")
	for batch := range slices.Chunk(rows, pricesAtOnce) {
		answer, err := cl.SetPrices(ctx, api.PricesInput{Source: list.Source, DryRun: dry, KeepRest: true, Prices: batch})
		if err != nil {
			bar.end()
			if n := len(report.Results); n > 0 && !dry {
				_, _ = fmt.Fprintf(t.stderr, "The import was interrupted after %d models. The same command goes on where it stopped.\n", n)
			}
			return err
		}
		report.add(answer, names)
		bar.show(len(report.Results)+len(report.LeftOut), len(rows)+len(report.LeftOut))
	}
	bar.end()
	return p.print(report, func() { p.listReport(&report, f.All) })
}

// wanted are the rows to be sent, and their names in the list; what is left out, and
// what is to be said, is in the report.
func (f *priceListFlags) wanted(list pricelist.List, report *listReport) (rows []api.PriceInput, names map[string]string) {
	names = map[string]string{}
	sent := map[string]bool{}
	for _, row := range list.Rows {
		provider := row.Price.Provider
		if len(f.Only) > 0 && !slices.Contains(f.Only, provider) {
			continue
		}
		id := provider + "/" + row.Price.Model
		switch {
		case row.Skip != "":
			report.LeftOut = append(report.LeftOut, listNote{row.Name, provider, row.Skip})
			continue
		case sent[id]:
			report.LeftOut = append(report.LeftOut, listNote{row.Name, provider, "the list has the same model under another name, which goes first: " + names[id]})
			continue
		}
		for _, note := range row.Notes {
			report.Notes = append(report.Notes, listNote{row.Name, provider, note})
		}
		if from, ok := f.From.Get(); ok {
			row.Price.From = &from
		}
		sent[id], names[id] = true, row.Name
		rows = append(rows, row.Price)
	}
	return rows, names
}

// add takes what came of a batch. A model of a provider that is not known here is
// left out, like what cannot be carried over.
func (r *listReport) add(answer api.PricesReport, names map[string]string) {
	r.New, r.Changed, r.Unchanged, r.Refused = r.New+answer.New, r.Changed+answer.Changed, r.Unchanged+answer.Unchanged, r.Refused+answer.Refused
	for _, one := range answer.Results {
		if len(one.Errors) > 0 && one.Errors[0].Field == "provider" {
			r.Refused--
			r.LeftOut = append(r.LeftOut, listNote{names[one.Provider+"/"+one.Model], one.Provider, "no provider here is called " + one.Provider})
			continue
		}
		r.Results = append(r.Results, one)
	}
}

// listReport tells what came of a list.
func (p *printer) listReport(r *listReport, all bool) {
	p.priceLines(r.Results)
	if len(r.Notes) > 0 {
		p.printf("\nTo be noted:\n")
		p.grouped(r.Notes, all)
	}
	if len(r.LeftOut) > 0 {
		p.printf("\nLeft out:\n")
		p.grouped(r.LeftOut, all)
	}
	p.printf("\n%s, %d left out\n", priceSummary(r.New, r.Changed, r.Unchanged, r.Refused, r.DryRun), len(r.LeftOut))
}

// grouped prints notes by their text: those that many share with the first names.
func (p *printer) grouped(notes []listNote, all bool) {
	const few = 4
	names := map[string][]string{}
	for _, n := range notes {
		names[n.Text] = append(names[n.Text], plain(n.Name))
	}
	texts := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(names[b]), len(names[a])), strings.Compare(a, b))
	})
	for _, text := range texts {
		list := names[text]
		shown := list
		if !all && len(list) > few {
			shown = list[:few]
		}
		p.printf("  %s: %s", plain(text), strings.Join(shown, ", "))
		if more := len(list) - len(shown); more > 0 {
			p.printf(" and %d more (--all lists them)", more)
		}
		p.printf("\n")
	}
}

// fetchTime is how long fetching a list may take.
const fetchTime = time.Minute

// openList opens a file or an address.
func openList(ctx context.Context, t *terminal, name string) (io.ReadCloser, error) {
	switch {
	case name == "-":
		return io.NopCloser(t.stdin), nil
	case !strings.Contains(name, "://"):
		return os.Open(name)
	}
	u, err := url.Parse(name)
	if err != nil {
		return nil, misuse("%q is no address: %w", name, err)
	}
	if err := fetchable(u); err != nil {
		return nil, misuse("%w", err)
	}
	hc := &http.Client{Timeout: fetchTime, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 5 {
			return errors.New("it is sent from one address to the next more than five times")
		}
		return fetchable(r.URL)
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, name, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "tollgate-cli/"+version())
	resp, err := hc.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch the list: %w", rootCause(err))
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("fetch the list: %s answers %s", u.Host, resp.Status), resp.Body.Close())
	}
	return resp.Body, nil
}

// fetchable is nil for an address that a list may come from: what others can change
// on the way is no price list.
func fetchable(u *url.URL) error {
	ip := net.ParseIP(u.Hostname())
	switch {
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()):
		return nil
	}
	return fmt.Errorf("a list is fetched by https only, or from this machine: %s is neither", u.Redacted())
}
