package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is everything that a run found.
type Report struct {
	Machine     Machine           `json:"machine"`
	NotMeasured map[string]string `json:"not_measured,omitempty"` // target: why
	Seconds     float64           `json:"seconds"`
	Scenarios   []ScenarioResult  `json:"scenarios"`
	Ledger      string            `json:"ledger,omitempty"` // what tollgate's own account said afterwards

	ledgerRight bool
}

// ScenarioResult is one kind of load on all targets.
type ScenarioResult struct {
	Name             string          `json:"name"`
	Connections      int             `json:"connections"`
	RequestsPerRound int             `json:"requests_per_round"`
	Chunks           int             `json:"chunks,omitempty"`          // of each answer, where it is a stream
	Goal             float64         `json:"goal,omitempty"`            // for RatioRP of tollgate
	MemoryGoalMiB    int64           `json:"memory_goal_mib,omitempty"` // for what PeakMemoryBytes of tollgate is above RestMemoryBytes
	Targets          []*TargetResult `json:"targets"`
}

// TargetResult is one target under one load. Figures of single rounds are in
// Rounds; the others are medians of rounds, or of all requests. Times are those of
// a whole answer, or of a stream's first byte.
type TargetResult struct {
	Target          string  `json:"target"`
	Failed          string  `json:"failed,omitempty"`
	Rounds          []Round `json:"rounds"`
	CPUMicros       float64 `json:"cpu_us_per_request"` // 0 for the direct way
	PerSecond       float64 `json:"requests_per_second"`
	P50Micros       float64 `json:"p50_us"`
	P99Micros       float64 `json:"p99_us"`
	AddedP50Micros  float64 `json:"added_p50_us"` // to the direct way
	AddedP99Micros  float64 `json:"added_p99_us"`
	MemoryBytes     int64   `json:"memory_bytes"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes"`
	RestMemoryBytes int64   `json:"rest_memory_bytes,omitempty"`  // before the scenario, where it has a goal for memory
	RatioRP         float64 `json:"cpu_ratio_to_rp,omitempty"`    // median of the rounds' ratios
	RatioNginx      float64 `json:"cpu_ratio_to_nginx,omitempty"` // likewise

	took []time.Duration
}

// addedMiB is what the load added to the memory that there was before it, rounded up.
func (t *TargetResult) addedMiB() int64 {
	return (t.PeakMemoryBytes - t.RestMemoryBytes + 1<<20 - 1) >> 20
}

// Round is one round of one target.
type Round struct {
	CPUMicros float64 `json:"cpu_us_per_request"`
	PerSecond float64 `json:"requests_per_second"`
}

func (s *ScenarioResult) of(target string) *TargetResult {
	for _, t := range s.Targets {
		if t.Target == target {
			return t
		}
	}
	return nil
}

// sum fills what follows from the rounds.
func (s *ScenarioResult) sum() {
	direct := s.of("direct")
	for _, t := range s.Targets {
		slices.Sort(t.took)
		t.CPUMicros = median(t.Rounds, func(r Round) float64 { return r.CPUMicros })
		t.PerSecond = median(t.Rounds, func(r Round) float64 { return r.PerSecond })
		t.P50Micros, t.P99Micros = micros(t.took, 0.50), micros(t.took, 0.99)
		if direct != nil && direct.Failed == "" && t != direct {
			t.AddedP50Micros = t.P50Micros - micros(direct.took, 0.50)
			t.AddedP99Micros = t.P99Micros - micros(direct.took, 0.99)
		}
		t.RatioRP = ratio(t, s.of("rp"))
		t.RatioNginx = ratio(t, s.of("nginx"))
	}
}

// ratio compares the CPU of rounds that were beside each other.
func ratio(t, to *TargetResult) float64 {
	if to == nil || t == to || len(t.Rounds) != len(to.Rounds) || t.CPUMicros == 0 || to.CPUMicros == 0 {
		return 0
	}
	var each []Round
	for i := range t.Rounds {
		each = append(each, Round{CPUMicros: t.Rounds[i].CPUMicros / to.Rounds[i].CPUMicros})
	}
	return median(each, func(r Round) float64 { return r.CPUMicros })
}

func median(rounds []Round, of func(Round) float64) float64 {
	if len(rounds) == 0 {
		return 0
	}
	var all []float64
	for _, r := range rounds {
		all = append(all, of(r))
	}
	slices.Sort(all)
	mid := len(all) / 2
	if len(all)%2 == 1 {
		return all[mid]
	}
	return (all[mid-1] + all[mid]) / 2
}

func micros(sorted []time.Duration, part float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(int(part*float64(len(sorted))), len(sorted)-1)].Nanoseconds()) / 1e3
}

func (r *Report) print(to io.Writer) {
	m := r.Machine
	fmt.Fprintf(to, "%s, %d cores, %d MB, Linux %s, %s, load before %s, %s\n", m.CPU, m.Cores, m.MemoryMB, m.Kernel, m.Go, m.Load, m.When)
	fmt.Fprintf(to, "CPU is the proxy's own, for each request (streams: also for each chunk); added is to the direct way (streams: to the first byte).\n\n")
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "load/connections\ttarget\tCPU µs\tCPU µs/chunk\treq/s\tadded p50 µs\tadded p99 µs\tmemory MB\tpeak MB\t× rp\t× nginx\trounds\t")
	for _, s := range r.Scenarios {
		for _, t := range s.Targets {
			if t.Failed != "" {
				continue
			}
			perChunk := "-"
			if s.Chunks > 0 {
				perChunk = dash(t.CPUMicros/float64(s.Chunks), 2)
			}
			added50, added99 := "-", "-"
			if t.Target != "direct" {
				added50, added99 = fmt.Sprintf("%.0f", t.AddedP50Micros), fmt.Sprintf("%.0f", t.AddedP99Micros)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.0f\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", s.Name, t.Target, dash(t.CPUMicros, 1), perChunk, t.PerSecond,
				added50, added99, dash(float64(t.MemoryBytes)/(1<<20), 0), dash(float64(t.PeakMemoryBytes)/(1<<20), 0), dash(t.RatioRP, 2), dash(t.RatioNginx, 2), len(t.Rounds))
		}
		fmt.Fprintln(w, strings.Repeat("\t", 12))
	}
	_ = w.Flush()
	r.printGoals(to)
}

// printGoals compares tollgate with its goals, and says what was not measured.
func (r *Report) printGoals(to io.Writer) {
	for _, s := range r.Scenarios {
		if t := s.of("tollgate"); t != nil && s.Goal > 0 && t.RatioRP > 0 {
			word := "reached"
			if t.RatioRP > s.Goal {
				word = "MISSED"
			}
			fmt.Fprintf(to, "%-16s tollgate takes %.2f × the CPU of the bare reverse proxy; goal ≤ %.1f: %s\n", s.Name, t.RatioRP, s.Goal, word)
		}
		if t := s.of("tollgate"); t != nil && t.Failed == "" && s.MemoryGoalMiB > 0 {
			word := "reached"
			if t.addedMiB() > s.MemoryGoalMiB {
				word = "MISSED"
			}
			fmt.Fprintf(to, "%-16s %d connections add %d MiB to tollgate's memory; goal ≤ %d: %s\n", s.Name, s.Connections, t.addedMiB(), s.MemoryGoalMiB, word)
		}
		for _, t := range s.Targets {
			if t.Failed != "" {
				fmt.Fprintf(to, "%-16s %s FAILED: %s\n", s.Name, t.Target, t.Failed)
			}
		}
	}
	if r.Ledger != "" {
		fmt.Fprintf(to, "tollgate's ledger afterwards: %s\n", r.Ledger)
	}
	for _, name := range slices.Sorted(maps.Keys(r.NotMeasured)) {
		fmt.Fprintf(to, "%s was not measured: %s\n", name, r.NotMeasured[name])
	}
	fmt.Fprintf(to, "%.0f s in all\n", r.Seconds)
}

func dash(v float64, digits int) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", digits, v)
}

func (r *Report) save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// verdict is an error when a target failed, when tollgate was asked for and is
// missing, or, with -check, when a goal was missed.
func (r *Report) verdict(o options) error {
	var problems []error
	if why, ok := r.NotMeasured["tollgate"]; ok {
		problems = append(problems, errors.New("tollgate was not measured: "+why))
	}
	if r.Ledger != "" && !r.ledgerRight {
		problems = append(problems, errors.New("tollgate's ledger: "+r.Ledger))
	}
	for _, s := range r.Scenarios {
		for _, t := range s.Targets {
			if t.Failed != "" {
				problems = append(problems, fmt.Errorf("%s failed at %s", t.Target, s.Name))
			}
			if o.check && t.Target == "tollgate" && s.Goal > 0 && t.RatioRP > s.Goal {
				problems = append(problems, fmt.Errorf("%s: %.2f is above %.1f", s.Name, t.RatioRP, s.Goal))
			}
			if o.check && t.Target == "tollgate" && s.MemoryGoalMiB > 0 && t.addedMiB() > s.MemoryGoalMiB {
				problems = append(problems, fmt.Errorf("%s: %d MiB are above %d", s.Name, t.addedMiB(), s.MemoryGoalMiB))
			}
		}
	}
	return errors.Join(problems...)
}
