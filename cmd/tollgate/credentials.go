package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"tollgate/api"
	"tollgate/client"
)

// credentialsCmd is the noun: one field per verb.
type credentialsCmd struct {
	remote   `embed:""`
	Create   credentialsCreateCmd   `cmd:"" help:"Store a provider's credential."`
	List     credentialsListCmd     `cmd:"" help:"List credentials: defaults first, then those used last."`
	Get      credentialsGetCmd      `cmd:"" help:"Show one credential."`
	Default  credentialsDefaultCmd  `cmd:"" help:"Show which credential is the default for a provider."`
	Use      credentialsUseCmd      `cmd:"" help:"Make a credential its owner's default for its provider."`
	Validate credentialsValidateCmd `cmd:"" help:"Ask the provider whether it takes a credential."`
	Update   credentialsUpdateCmd   `cmd:"" help:"Change fields of a credential; what is not named stays."`
	Delete   credentialsDeleteCmd   `cmd:"" help:"Delete a credential for good; its secrets are wiped."`
}

// credentialID is the argument of every verb about one credential.
type credentialID struct {
	ID string `arg:"" help:"Id of the credential (cred_…)."`
}

// credentialFlags is every settable field of a credential.
type credentialFlags struct {
	KeyName             api.Optional[string] `name:"key-name" type:"text" placeholder:"TEXT" help:"Name, 1 to 255 characters."`
	APIKey              string               `name:"api-key" placeholder:"KEY" help:"The secret; - reads it from the standard input, where other users of the machine cannot see it."`
	ProviderDisplayName api.Optional[string] `type:"text" placeholder:"TEXT" help:"What you call the provider."`
	IsActive            api.Optional[bool]   `placeholder:"true|false" help:"false takes it out of use."`
	IsDefault           api.Optional[bool]   `name:"default" placeholder:"true|false" help:"true makes it its owner's default for its provider."`
	BaseURL             api.Optional[string] `name:"base-url" placeholder:"URL" help:"azure and custom: where it is."`
	APIVersion          api.Optional[string] `name:"api-version" placeholder:"TEXT" help:"azure: sent as api-version; none = not."`
	Organization        api.Optional[string] `placeholder:"ID" help:"openai: whose account pays; none = not said."`
	Project             api.Optional[string] `placeholder:"ID" help:"openai and google: whose account pays; none = not said."`
	BillTo              api.Optional[string] `placeholder:"NAME" help:"huggingface: whose account pays; none = not said."`
	Header              map[string]string    `placeholder:"NAME=VALUE" help:"azure and custom: a further header, sealed like the secret; an empty value takes it away, and @FILE reads it from a file, where other users of the machine cannot see it."`
	DailyLimit          api.Optional[int64]  `placeholder:"N" help:"Tokens in a calendar day; none = no limit."`
	MonthlyLimit        api.Optional[int64]  `placeholder:"N" help:"Tokens in a calendar month; none = no limit."`
	TokensPerMinute     api.Optional[int64]  `placeholder:"N" help:"Tokens in any minute; none = no limit."`
	RateLimitPerMinute  api.Optional[int64]  `placeholder:"N" help:"Requests in any minute; none = no limit."`
	RateLimitPerHour    api.Optional[int64]  `placeholder:"N" help:"Requests in any hour; none = no limit."`
	RateLimitPerDay     api.Optional[int64]  `placeholder:"N" help:"Requests in a calendar day; none = no limit."`
	ConcurrentLimit     api.Optional[int64]  `placeholder:"N" help:"Requests at the same time; none = no limit."`
}

// input is the body that the flags describe.
func (f credentialFlags) input(t *terminal) (api.CredentialInput, error) {
	in := api.CredentialInput{
		KeyName: f.KeyName, ProviderDisplayName: f.ProviderDisplayName, IsActive: f.IsActive, IsDefault: f.IsDefault,
		DailyLimit: f.DailyLimit, MonthlyLimit: f.MonthlyLimit, TokensPerMinute: f.TokensPerMinute,
		RateLimitPerMinute: f.RateLimitPerMinute, RateLimitPerHour: f.RateLimitPerHour, RateLimitPerDay: f.RateLimitPerDay,
		ConcurrentLimit: f.ConcurrentLimit,
	}
	key, err := t.secretOf(f.APIKey)
	if err != nil {
		return in, err
	}
	if key != "" {
		in.APIKey = api.Set(key)
	}
	config := api.CustomConfigInput{
		BaseURL: f.BaseURL, APIVersion: f.APIVersion, Organization: f.Organization, Project: f.Project, BillTo: f.BillTo,
	}
	if len(f.Header) > 0 {
		headers := map[string]*string{}
		for name, value := range f.Header {
			headers[name] = nil
			if value, err = headerOf(value); err != nil {
				return in, err
			}
			if value != "" {
				headers[name] = &value
			}
		}
		config.Headers = api.Set(headers)
	}
	if !reflect.ValueOf(config).IsZero() {
		in.CustomConfig = api.Set(config)
	}
	return in, nil
}

// headerOf is the value of a header as a flag says it: @FILE is the first line of
// a file.
func headerOf(flag string) (string, error) {
	name, isFile := strings.CutPrefix(flag, "@")
	if !isFile {
		return flag, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read the value of a header: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", misuse("--header: %s holds no value", name)
	}
	return line, nil
}

type credentialsCreateCmd struct {
	Provider        string               `required:"" enum:"openai,anthropic,google,cohere,huggingface,azure,custom" placeholder:"NAME" help:"${enum}."`
	UserID          api.Optional[string] `name:"user-id" placeholder:"ID" help:"Whose it is; none = the organization's. Without it your own, or else the organization's."`
	IdempotencyKey  string               `placeholder:"TEXT" help:"Sent again with the same text within 24 hours, no second one is made."`
	credentialFlags `embed:""`
}

// Help shows examples.
func (credentialsCreateCmd) Help() string {
	return `Requests use a credential once it is the default of its owner for its provider.

Examples:

	echo "$OPENAI_API_KEY" | tollgate credentials create --provider openai --key-name mine --api-key - --default true
	tollgate credentials create --provider anthropic --key-name team --user-id none --api-key - --default true --daily-limit 1000000 < key.txt
	tollgate credentials create --provider azure --key-name eu --api-key - --base-url https://my-resource.openai.azure.com < key.txt`
}

// Run stores the credential.
func (c *credentialsCreateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input(p.terminal)
	if err != nil {
		return err
	}
	if in.KeyName.IsZero() {
		return misuse("a credential needs a name: --key-name TEXT")
	}
	if in.APIKey.IsZero() {
		return misuse("a credential needs its secret: --api-key - reads it from the standard input")
	}
	in.Provider, in.UserID = api.Set(c.Provider), c.UserID
	var opts []client.CallOption
	if c.IdempotencyKey != "" {
		opts = append(opts, client.Idempotent(c.IdempotencyKey))
	}
	return p.showCredential(cl.CreateCredential(ctx, in, opts...))
}

type credentialsListCmd struct {
	Page         int    `default:"1" placeholder:"N" help:"Page, from 1."`
	Size         int    `default:"50" placeholder:"N" help:"Credentials on a page, 1 to 100."`
	After        string `placeholder:"ID" help:"What follows the credential with this id, instead of a page."`
	Provider     string `placeholder:"NAME" help:"Only those for this provider."`
	UserID       string `name:"user-id" placeholder:"ID" xor:"owner" help:"Only those of this user."`
	Organization bool   `xor:"owner" help:"Only the organization's."`
}

// Help shows examples.
func (credentialsListCmd) Help() string {
	return `Examples:

	tollgate credentials list --provider openai
	tollgate credentials list --organization --json`
}

// Run lists the credentials.
func (c *credentialsListCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := checkPage(c.Page, c.Size, 100); err != nil {
		return err
	}
	list, err := cl.Credentials(ctx, client.CredentialQuery{Page: c.Page, Size: c.Size, After: c.After, Provider: c.Provider, UserID: c.UserID, Organization: c.Organization})
	if err != nil {
		return err
	}
	return p.print(list, func() {
		if list.Total == 0 {
			p.printf("No credentials.\n")
			return
		}
		rows := [][]string{{"ID", "PROVIDER", "NAME", "OWNER", "STATUS", "DEFAULT", "VERDICT", "TOKENS", "LAST USED"}}
		for _, c := range list.Credentials {
			rows = append(rows, []string{
				c.ID, c.Provider, plain(c.KeyName), ownerOf(c), c.Status, yes(c.IsDefault), c.Validation.Verdict, count(c.TotalTokensUsed), instant(c.LastUsedAt),
			})
		}
		p.table(rows)
		p.page("credentials", len(list.Credentials), list.Total, list.Page)
	})
}

type credentialsGetCmd struct {
	credentialID `embed:""`
}

// Run shows the credential.
func (c *credentialsGetCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showCredential(cl.Credential(ctx, c.ID))
}

type credentialsDefaultCmd struct {
	Provider     string `required:"" placeholder:"NAME" help:"For which provider."`
	UserID       string `name:"user-id" placeholder:"ID" xor:"owner" help:"Whose; without it your own, or else the organization's."`
	Organization bool   `xor:"owner" help:"The organization's."`
	AnyActive    bool   `help:"Any active one where there is no active default."`
}

// Help shows examples.
func (credentialsDefaultCmd) Help() string {
	return `Examples:

	tollgate credentials default --provider openai
	tollgate credentials default --provider anthropic --organization --any-active`
}

// Run shows the credential.
func (c *credentialsDefaultCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showCredential(cl.DefaultCredential(ctx, client.DefaultQuery{
		Provider: c.Provider, UserID: c.UserID, Organization: c.Organization, AnyActive: c.AnyActive,
	}))
}

type credentialsUseCmd struct {
	credentialID `embed:""`
}

// Run makes it the default.
func (c *credentialsUseCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showCredential(cl.SetDefaultCredential(ctx, c.ID))
}

type credentialsValidateCmd struct {
	credentialID `embed:""`
}

// Help shows examples.
func (credentialsValidateCmd) Help() string {
	return `Where nothing is learned, such as when the provider cannot be reached, the verdict of before stays.

Examples:

	tollgate credentials validate cred_0192…`
}

// Run asks the provider.
func (c *credentialsValidateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	return p.showCredential(cl.ValidateCredential(ctx, c.ID))
}

type credentialsUpdateCmd struct {
	credentialID    `embed:""`
	fileFlag        `embed:""`
	IfVersion       int64 `placeholder:"N" help:"Only if the credential still has this version."`
	credentialFlags `embed:""`
}

// Help shows examples.
func (credentialsUpdateCmd) Help() string {
	return `Changes are in force at once.

Examples:

	echo "$NEW_KEY" | tollgate credentials update cred_0192… --api-key -
	tollgate credentials update cred_0192… --daily-limit none --is-active false`
}

// Run changes the credential.
func (c *credentialsUpdateCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	in, err := c.input(p.terminal)
	if err != nil {
		return err
	}
	byFile, err := c.change(!reflect.ValueOf(in).IsZero(), "--daily-limit 100000")
	if err != nil {
		return err
	}
	if !byFile {
		return p.showCredential(cl.UpdateCredential(ctx, c.ID, in, ifVersion(c.IfVersion)...))
	}
	body, err := c.read(p.terminal)
	if err != nil {
		return err
	}
	return p.showCredential(cl.ReplaceCredential(ctx, c.ID, body, ifVersion(c.IfVersion)...))
}

type credentialsDeleteCmd struct {
	credentialID `embed:""`
}

// Run deletes the credential.
func (c *credentialsDeleteCmd) Run(ctx context.Context, cl *client.Client, p *printer) error {
	if err := cl.DeleteCredential(ctx, c.ID); err != nil {
		return err
	}
	return p.print(map[string]string{"deleted": c.ID}, func() { p.printf("Deleted %s.\n", c.ID) })
}

// showCredential prints a credential, or passes the error on.
func (p *printer) showCredential(c api.Credential, err error) error {
	if err != nil {
		return err
	}
	return p.print(c, func() { p.credential(c) })
}

func (p *printer) credential(c api.Credential) {
	rows := [][]string{
		{"id", c.ID},
		{"provider", strings.TrimSpace(c.Provider + " " + c.ProviderDisplayName)},
		{"name", plain(c.KeyName)},
		{"owner", ownerOf(c)},
		{"secret", shownSecret(c)},
		{"status", c.Status},
		{"default", yes(c.IsDefault)},
		{"provider says", verdictOf(c.Validation)},
		{"tokens", limit(c.DailyLimit, "token") + " a day, " + limit(c.MonthlyLimit, "token") + " a month, " + limit(c.TokensPerMinute, "token") + " a minute"},
		{"rates", fmt.Sprintf("%s a minute, %s an hour, %s a day", limit(c.RateLimitPerMinute, "request"), limit(c.RateLimitPerHour, "request"), limit(c.RateLimitPerDay, "request"))},
		{"concurrent", limit(c.ConcurrentLimit, "request")},
		{"used", counted(c.UsageCount, "request") + ", " + counted(c.TotalTokensUsed, "token")},
		{"created", instant(&c.CreatedAt)},
		{"last used", instant(c.LastUsedAt)},
		{"version", count(c.Version)},
	}
	for _, s := range [][2]string{
		{"base url", c.CustomConfig.BaseURL},
		{"api version", c.CustomConfig.APIVersion},
		{"organization", c.CustomConfig.Organization},
		{"project", c.CustomConfig.Project},
		{"bill to", c.CustomConfig.BillTo},
		{"headers", strings.Join(slices.Sorted(maps.Keys(c.CustomConfig.Headers)), ",")},
	} {
		if s[1] != "" {
			rows = append(rows, []string{s[0], plain(s[1])})
		}
	}
	p.table(rows)
}

func ownerOf(c api.Credential) string {
	if c.UserID == nil {
		return "organization"
	}
	return plain(*c.UserID)
}

func shownSecret(c api.Credential) string {
	if c.KeyPrefix == "" {
		return "(not shown)"
	}
	return plain(c.KeyPrefix) + "…" + plain(c.KeySuffix)
}

func verdictOf(v api.Validation) string {
	text := v.State
	if v.Message != nil {
		text += ": " + *v.Message
	}
	if v.State == "error" {
		text += " Before that: " + v.Verdict + "."
	}
	if v.CheckedAt != nil {
		text += " (" + instant(v.CheckedAt) + ")"
	}
	return plain(text)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
