package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"tollgate/api"
	"tollgate/client"
	"tollgate/internal/foreign"
)

// importCmd brings keys along from another gateway.
type importCmd struct {
	remote      `embed:""`
	From        string            `required:"" enum:"litellm,new-api,enclava,aether,smarter" placeholder:"SYSTEM" help:"Which system exported the file: ${enum}."`
	File        string            `arg:"" help:"Its exported rows: CSV, a JSON array, or JSON lines; - reads the standard input."`
	DryRun      bool              `help:"Only say what would come of it; nothing is changed."`
	Users       string            `placeholder:"FILE" help:"Its exported table of users, which tells the addresses of owners."`
	CreateUsers bool              `help:"Make owners that there are not, with the role user."`
	Ownerless   bool              `help:"Keys of owners whose address is not known become nobody's."`
	Drop        []string          `placeholder:"COLUMN" help:"Give up a restriction that cannot be carried over, or an unknown column; may be repeated."`
	Chatbot     map[string]string `placeholder:"NAME=ID" help:"Which chatbot here (bot_…) one of there is, by its name or id there; may be repeated."`
	Instance    string            `placeholder:"NAME" help:"Which one, if keys of several such systems are imported."`
	QuotaPerUSD int64             `name:"quota-per-usd" default:"500000" placeholder:"N" help:"Quota of new-api that is one US dollar (${default})."`
	Report      string            `placeholder:"FILE" help:"Write what came of each row to this file, as JSON lines."`
	Set         keySet            `embed:"" prefix:"set-"`
}

// keySet is what is laid over every key, whatever its row says.
type keySet struct {
	IsActive           api.Optional[bool]      `placeholder:"true|false" help:"Every key: false makes it disabled."`
	ExpiresAt          api.Optional[time.Time] `placeholder:"TIME" help:"Every key: stops working then."`
	Scopes             api.Optional[[]string]  `placeholder:"A,B" help:"Every key: only these scopes; none = all."`
	AllowedModels      api.Optional[[]string]  `placeholder:"A,B" help:"Every key: only these models; none = all."`
	AllowedEndpoints   api.Optional[[]string]  `placeholder:"A,B" help:"Every key: only these paths; none = all."`
	AllowedProviders   api.Optional[[]string]  `placeholder:"A,B" help:"Every key: only these providers; none = all."`
	AllowedAPIFormats  api.Optional[[]string]  `name:"allowed-api-formats" placeholder:"A,B" help:"Every key: only these formats; none = all."`
	RateLimitPerMinute api.Optional[int64]     `placeholder:"N" help:"Every key: requests in any minute; none = no limit."`
	RateLimitPerHour   api.Optional[int64]     `placeholder:"N" help:"Every key: requests in any hour; none = no limit."`
	RateLimitPerDay    api.Optional[int64]     `placeholder:"N" help:"Every key: requests in a calendar day; none = no limit."`
	TokensPerDay       api.Optional[int64]     `placeholder:"N" help:"Every key: tokens in a calendar day; none = no limit."`
	ConcurrentLimit    api.Optional[int64]     `placeholder:"N" help:"Every key: requests at the same time; none = no limit."`
	BudgetLimitCents   api.Optional[int64]     `placeholder:"N" help:"Every key: budget in US cents; none = no limit."`
	BudgetType         api.Optional[string]    `placeholder:"TYPE" help:"Every key: period of the budget."`
	BudgetMode         api.Optional[string]    `placeholder:"MODE" help:"Every key: hard or soft."`
}

// lay lays the set fields over a key.
func (s *keySet) lay(in *api.KeyInput) {
	from, to := reflect.ValueOf(*s), reflect.ValueOf(in).Elem()
	for i := range from.NumField() {
		if v := from.Field(i); !v.IsZero() {
			to.FieldByName(from.Type().Field(i).Name).Set(v)
		}
	}
	if in.BudgetLimitCents.IsNull() { // without a budget there is no period of it
		in.BudgetType, in.BudgetMode = api.Optional[string]{}, api.Optional[string]{}
	}
}

// Help shows examples.
func (importCmd) Help() string {
	return `The keys go on working as they are: of each only a hash is sent, also where a key stands in the file itself. What they have spent counts against their budgets. What cannot be carried over is named, row by row; a restriction that would be lost refuses its row until --drop gives it up. A row that was imported before is not imported again, so after an interruption the same command goes on where it was. The exports that are read are described in docs/guides/import.md.

Examples:

	tollgate import --from litellm keys.csv --users users.csv --create-users --dry-run
	tollgate import --from new-api tokens.json --ownerless --drop owner_quota --set-budget-limit-cents 500 --set-budget-type monthly
	psql -c 'COPY api_keys TO STDOUT WITH CSV HEADER' | tollgate import --from enclava - --report report.jsonl`
}

// Run imports the file.
func (c *importCmd) Run(ctx context.Context, t *terminal, cl *client.Client, p *printer) (err error) {
	format, ok := foreign.FormatNamed(c.From)
	if !ok {
		return misuse("--from: %q is not known", c.From)
	}
	if c.QuotaPerUSD < 1 {
		return misuse("--quota-per-usd: %d is not 1 or more", c.QuotaPerUSD)
	}
	opts := foreign.Options{Now: time.Now(), Ownerless: c.Ownerless, Drop: c.Drop, QuotaPerUSD: c.QuotaPerUSD, Chatbots: c.Chatbot}
	if opts.Owners, err = c.owners(); err != nil {
		return err
	}
	file, size, err := c.open(t)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	in := &counter{r: file}
	rows, err := foreign.NewRows(in)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	source := c.From
	if c.Instance != "" {
		source += "/" + c.Instance
	}
	run := &importRun{
		client: cl, report: importReport{Source: source, DryRun: c.DryRun, Rows: []importLine{}}, createUsers: c.CreateUsers,
		progress: t.progress("rows"), size: size, read: in, seen: map[string]int{},
	}
	failed := run.all(ctx, rows, func(row foreign.Row) foreign.Record {
		rec := format.Read(row, opts)
		c.Set.lay(&rec.Row.Key)
		return rec
	})
	run.progress.end()
	done := c.finish(p, &run.report)
	if failed == nil {
		return done
	}
	if !errors.Is(done, errSilent) {
		failed = errors.Join(failed, done)
	}
	if !c.DryRun {
		_, _ = fmt.Fprintf(t.stderr, "The import was interrupted. The same command goes on where it stopped; nothing is imported twice.\n")
	}
	return failed
}

// finish tells what came of it, also when it was interrupted.
func (c *importCmd) finish(p *printer, r *importReport) error {
	if c.Report != "" {
		if err := writeLines(c.Report, r.Rows); err != nil {
			return err
		}
	}
	if err := p.print(r, func() { p.imported(r) }); err != nil {
		return err
	}
	if r.Refused > 0 {
		return errSilent
	}
	return nil
}

func (c *importCmd) owners() (*foreign.Owners, error) {
	if c.Users == "" {
		return nil, nil
	}
	file, err := os.Open(c.Users)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	owners, err := foreign.ReadOwners(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Users, err)
	}
	return owners, nil
}

// open opens the file; its size is 0 if that is not known.
func (c *importCmd) open(t *terminal) (io.ReadCloser, int64, error) {
	if c.File == "-" {
		return io.NopCloser(t.stdin), 0, nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return file, 0, nil
	}
	return file, info.Size(), nil
}

// writeLines writes one JSON document a line, for the owner's eyes only.
func writeLines[T any](name string, lines []T) (err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	enc := json.NewEncoder(file)
	enc.SetEscapeHTML(false)
	for _, line := range lines {
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

// Read reads on.
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// rowName names a row for people.
func rowName(l *importLine) string {
	name := strings.TrimSpace(l.Name)
	if name == "" {
		return fmt.Sprintf("row %d", l.Row)
	}
	return fmt.Sprintf("row %d (%s)", l.Row, plain(name))
}
