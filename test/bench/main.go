package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	quick     bool
	rounds    int
	limit     time.Duration
	targets   string
	scenarios string
	json      string
	nginx     string
	tollgate  string
	check     bool
	keep      bool

	role, to string // what this process is when it is not the benchmark itself
}

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "fewer requests and rounds, at most 40 seconds")
	flag.IntVar(&o.rounds, "rounds", 0, "rounds of each scenario and target (5; 3 with -quick)")
	flag.DurationVar(&o.limit, "limit", 0, "begin no round after this time (3m30s; 33s with -quick)")
	flag.StringVar(&o.targets, "targets", "direct,rp,nginx,tollgate", "what to measure")
	flag.StringVar(&o.scenarios, "scenarios", "", "only scenarios whose name contains one of these words, separated by commas")
	flag.StringVar(&o.json, "json", "", "also write all figures to this file")
	flag.StringVar(&o.nginx, "nginx", "nginx", "nginx's program; left out when it is not there")
	flag.StringVar(&o.tollgate, "tollgate", "", "a built tollgate; \"\" builds one")
	flag.BoolVar(&o.check, "check", false, "end with 1 when a ratio to the reverse proxy is above its goal")
	flag.BoolVar(&o.keep, "keep", false, "keep the temporary directory, with the targets' logs")
	flag.StringVar(&o.role, "role", "", "internal: be the provider or the reverse proxy")
	flag.StringVar(&o.to, "to", "", "internal: where the reverse proxy forwards to")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "bench: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if o.role != "" {
		exit(serveRole(o.role, o.to))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o.withDefaults())
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (o options) withDefaults() options {
	if o.rounds == 0 {
		o.rounds = 5
		if o.quick {
			o.rounds = 3
		}
	}
	if o.limit == 0 {
		o.limit = 210 * time.Second
		if o.quick {
			o.limit = 33 * time.Second
		}
	}
	return o
}

// run builds and starts everything, measures, and prints.
func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "tollgate-bench-")
	if err != nil {
		return err
	}
	if o.keep {
		fmt.Fprintln(os.Stderr, "bench: keeping", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	began := time.Now()
	stage := &stage{dir: dir}
	defer stage.stop()
	targets, missing, err := stage.start(ctx, o)
	if err != nil {
		return err
	}
	scenarios := choose(allScenarios(o.quick), o.scenarios)
	if len(scenarios) == 0 {
		return fmt.Errorf("no scenario is called like %q", o.scenarios)
	}
	report := &Report{Machine: machine(), NotMeasured: missing}
	deadline := time.Now().Add(o.limit - time.Since(began)/4) // most of the start is building
	for i, s := range scenarios {
		// What is left is shared by the scenarios that are left.
		share := time.Until(deadline) / time.Duration(len(scenarios)-i)
		results, err := measure(ctx, s, targets, o.rounds, time.Now().Add(share))
		if err != nil {
			return err
		}
		report.Scenarios = append(report.Scenarios, results)
		targets = standing(targets, results)
	}
	for _, t := range targets {
		if t.root != "" {
			if err := t.verify(ctx); err != nil {
				report.Ledger = err.Error()
			} else {
				report.Ledger = fmt.Sprintf("right: %d entries for as many requests", t.sent.Load())
				report.ledgerRight = true
			}
		}
	}
	report.Seconds = time.Since(began).Seconds()
	report.print(os.Stdout)
	if o.json != "" {
		if err := report.save(o.json); err != nil {
			return err
		}
	}
	return report.verdict(o)
}

// standing leaves out the targets that failed.
func standing(targets []*target, s ScenarioResult) []*target {
	var left []*target
	for _, t := range targets {
		if r := s.of(t.name); r != nil && r.Failed == "" {
			left = append(left, t)
		}
	}
	return left
}

func choose(all []scenario, words string) []scenario {
	if words == "" {
		return all
	}
	var chosen []scenario
	for _, s := range all {
		for word := range strings.SplitSeq(words, ",") {
			if strings.Contains(s.name, strings.TrimSpace(word)) {
				chosen = append(chosen, s)
				break
			}
		}
	}
	return chosen
}

// build makes the tollgate program from the module that this command lies in.
func build(ctx context.Context, to string) error {
	fmt.Fprintln(os.Stderr, "bench: building tollgate")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, "tollgate/cmd/tollgate")
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.New("go build tollgate/cmd/tollgate: " + firstLine(string(out), err))
	}
	return nil
}

func firstLine(text string, err error) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return err.Error()
}
