package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"tollgate/client"
)

// The exit codes of every command.
const (
	exitDone   = 0
	exitFailed = 1 // refused or failed
	exitUsage  = 2 // wrong usage: nothing was tried
)

const defaultURL = "http://127.0.0.1:8080"

// commands is the command line: one field per noun.
type commands struct {
	Serve          serveCmd       `cmd:"" help:"Start the server."`
	Demo           demoCmd        `cmd:"" help:"Start a throw-away server with a simulated provider and a key to try."`
	Keys           keysCmd        `cmd:"" help:"Create, list, change and end gateway keys."`
	Credentials    credentialsCmd `cmd:"" help:"Store, list, choose and end credentials for providers."`
	Chatbots       chatbotsCmd    `cmd:"" help:"Create, list, change and end chatbots, and say which keys open them."`
	Vault          vaultCmd       `cmd:"" help:"Seal what is stored with a fresh key."`
	ManagementKeys managementCmd  `cmd:"" name:"management-keys" help:"Create, list, change and end keys of the management API."`
	Audit          auditCmd       `cmd:"" help:"List, verify and export what was done and refused."`
	Usage          usageCmd       `cmd:"" help:"List requests that were forwarded, newest first, or sums of them."`
	Import         importCmd      `cmd:"" help:"Bring keys along from another gateway; they go on working."`
	Explain        explainCmd     `cmd:"" help:"Say what the gate would answer to a request, rule by rule."`

	Users        usersCmd        `cmd:"" help:"Create, list, change and delete users."`
	Organization organizationCmd `cmd:"" help:"Show and change the organization."`
	Limits       limitsCmd       `cmd:"" help:"Show and change limits of the organization, of users and of keys."`
	Roles        rolesCmd        `cmd:"" help:"List what users of each kind may do."`
	Presets      presetsCmd      `cmd:"" help:"List what keys can start from."`
	Models       modelsCmd       `cmd:"" help:"List the models of the catalogue, or say where a name leads."`
	Prices       pricesCmd       `cmd:"" help:"List and set what is charged for models."`
	OpenAPI      openAPICmd      `cmd:"" name:"openapi" help:"Print the OpenAPI document of the management API."`

	Doctor  doctorCmd  `cmd:"" help:"Check configuration, data directory, server, token, clock and providers."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// terminal is all that a command may touch of the process it runs in.
type terminal struct {
	env            []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// getenv is the last value of the variable, as os.Getenv gives it.
func (t *terminal) getenv(name string) string {
	for i := len(t.env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(t.env[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}

// printf writes what was asked for. A reader that left early, such as head, is
// no failure of the command.
func (t *terminal) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(t.stdout, format, args...)
}

// remote is the flags of every command that asks a running server.
type remote struct {
	URL   string `placeholder:"URL" help:"Address of the server ($$TOLLGATE_URL; ${defaultURL} if unset)."`
	Token string `placeholder:"TOKEN" help:"Management key, tgm_… ($$TOLLGATE_TOKEN, which other users of the machine cannot read)."`
	JSON  bool   `help:"Print JSON as the API gives it."`
}

// AfterApply hands the commands below it a client and a printer.
func (r remote) AfterApply(command *kong.Context, t *terminal) error {
	command.Bind(client.New(r.url(t), r.token(t), client.WithUserAgent("tollgate-cli/"+version())))
	command.Bind(&printer{terminal: t, json: r.JSON})
	return nil
}

func (r remote) url(t *terminal) string {
	return firstSet(r.URL, t.getenv("TOLLGATE_URL"), defaultURL)
}

func (r remote) token(t *terminal) string {
	return strings.TrimSpace(firstSet(r.Token, t.getenv("TOLLGATE_TOKEN")))
}

func firstSet(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// parse reads the command line. Without a command to run it has printed help or
// a mistake, and gives the exit code.
func parse(t *terminal, args []string) (command *kong.Context, code int) {
	defer func() {
		// kong ends the process after --help; here it ends the parse.
		if r := recover(); r != nil {
			asked, ok := r.(exitRequest)
			if !ok {
				panic(r)
			}
			command, code = nil, int(asked)
		}
	}()
	command, err := newParser(t).Parse(args)
	if err != nil {
		return nil, t.fail(usageError{err: err})
	}
	return command, exitDone
}

// newParser is the parser of the command line.
func newParser(t *terminal) *kong.Kong {
	options := append(fieldMappers(),
		kong.Name("tollgate"),
		kong.Description("A gate in front of language models: it issues keys, meters them and never lets them pass their cap."),
		kong.Writers(t.stdout, t.stderr),
		kong.Exit(func(code int) { panic(exitRequest(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 110}),
		kong.Vars{"defaultURL": defaultURL},
		kong.Bind(t),
	)
	parser, err := kong.New(&commands{}, options...)
	if err != nil {
		panic(err) // a mistake in the structs above, met by the first test
	}
	return parser
}

type exitRequest int
