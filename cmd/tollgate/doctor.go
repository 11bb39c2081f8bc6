package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"tollgate/client"
	"tollgate/internal/config"
)

// doctorCmd looks at everything that must be right for a server to serve.
type doctorCmd struct {
	remote `embed:""`
	Config string `placeholder:"FILE" help:"Configuration file of the server, as serve takes it ($$TOLLGATE_CONFIG)."`
	Data   string `placeholder:"DIR" help:"Data directory, if it is not the configured one."`
}

// Help says what is looked at.
func (doctorCmd) Help() string {
	return `Looks at the configuration, the data directory, the server, the token, the clock, who is let in by each chatbot, and each provider, changes nothing, and sends no request to a language model. Exit code 1 when a check fails; warnings do not count.

Examples:

	tollgate doctor
	tollgate doctor --config tollgate.yaml --json`
}

// The states of a check.
const (
	stateOK   = "ok"
	stateWarn = "warn" // works, and may not be what is meant
	stateFail = "fail"
)

// check is one thing that was looked at.
type check struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"` // what to do
}

func passed(name, format string, args ...any) check {
	return check{Name: name, State: stateOK, Detail: fmt.Sprintf(format, args...)}
}

func warned(name, fix, format string, args ...any) check {
	return check{Name: name, State: stateWarn, Detail: fmt.Sprintf(format, args...), Fix: fix}
}

func failed(name, fix, format string, args ...any) check {
	return check{Name: name, State: stateFail, Detail: fmt.Sprintf(format, args...), Fix: fix}
}

// Run makes every check, also after one has failed.
func (c *doctorCmd) Run(ctx context.Context, p *printer) error {
	cfg, checks := checkConfig(firstSet(c.Config, p.getenv("TOLLGATE_CONFIG")), p.env)
	if c.Data != "" {
		cfg.Data = c.Data
	}
	checks = append(checks, checkData(cfg.Data))
	url := c.serverURL(p.terminal, cfg.Listen)
	cl := client.New(url, c.token(p.terminal), client.WithUserAgent("tollgate-doctor/"+version()))
	checks = append(checks, checkServer(ctx, url)...)
	checks = append(checks, checkToken(ctx, cl, c.token(p.terminal)))
	checks = append(checks, checkChatbots(ctx, cl, c.token(p.terminal))...)
	checks = append(checks, checkProviders(ctx, cfg)...)
	return p.report(checks)
}

// serverURL is where the server should be: as for every other command, but where
// nothing says otherwise the configured address counts.
func (c *doctorCmd) serverURL(t *terminal, listen string) string {
	if given := firstSet(c.URL, t.getenv("TOLLGATE_URL")); given != "" {
		return strings.TrimRight(given, "/")
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return defaultURL
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// report prints the checks and fails if one of them did.
func (p *printer) report(checks []check) error {
	ok := true
	for _, c := range checks {
		ok = ok && c.State != stateFail
	}
	err := p.print(struct {
		OK     bool    `json:"ok"`
		Checks []check `json:"checks"`
	}{ok, checks}, func() {
		var rows [][]string
		for _, c := range checks {
			rows = append(rows, []string{c.State, c.Name, plain(c.Detail)})
			if c.Fix != "" {
				rows = append(rows, []string{"", "", "→ " + c.Fix})
			}
		}
		p.table(rows)
	})
	if err == nil && !ok {
		return errSilent
	}
	return err
}

// checkConfig loads the configuration as serve would.
func checkConfig(path string, environ []string) (*config.Config, []check) {
	cfg, warnings, err := config.Load(path, environ)
	var checks []check
	for _, w := range warnings {
		checks = append(checks, warned("configuration", "correct the name, or take it out", "%s", w))
	}
	if err := wrongConfig(cfg, err); err != nil {
		for line := range strings.Lines(err.Error()) {
			checks = append(checks, failed("configuration", "tollgate serve --check tells the same", "%s", strings.TrimSpace(line)))
		}
		return cfg, checks
	}
	from := "defaults and environment"
	if path != "" {
		from = path + " and environment"
	}
	return cfg, append(checks, passed("configuration", "valid (%s)", from))
}
