package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// cpuTime is what processes have used in all, of all their threads, those that
// have ended too, to the nanosecond: Linux's CPU clock of each process
// (clock_getcpuclockid(3)). /proc/PID/stat has the same in steps of 10 ms.
func cpuTime(pids []int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		var ts syscall.Timespec
		clock := uintptr(^pid<<3 | 2) // CPUCLOCK_SCHED
		if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
			return 0, fmt.Errorf("the CPU clock of process %d: %w", pid, errno)
		}
		sum += time.Duration(ts.Nano())
	}
	return sum, nil
}

// atRest waits until processes have next to nothing to do any more, so that what
// they put off is done, and gives their CPU time then. It waits 3 s at most.
func atRest(pids []int) (time.Duration, error) {
	const window = 60 * time.Millisecond
	last, err := cpuTime(pids)
	calm := 0
	for end := time.Now().Add(3 * time.Second); err == nil && calm < 3 && time.Now().Before(end); {
		time.Sleep(window)
		var now time.Duration
		if now, err = cpuTime(pids); now-last < window/100 {
			calm++
		} else {
			calm = 0
		}
		last = now
	}
	return last, err
}

// memory is the resident memory of processes in bytes, now and at its highest.
func memory(pids []int) (now, peak int64) {
	for _, pid := range pids {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		now += statusBytes(status, "VmRSS:")
		peak += statusBytes(status, "VmHWM:")
	}
	return now, peak
}

// forgetPeak makes the highest memory of processes what they have now (proc(5),
// /proc/pid/clear_refs).
func forgetPeak(pids []int) {
	for _, pid := range pids {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) // else the figure is too high
	}
}

func statusBytes(status []byte, name string) int64 {
	_, after, _ := bytes.Cut(status, []byte(name))
	fields := bytes.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kb << 10
}

// withChildren is a process and those that it started.
func withChildren(pid int) []int {
	all := []int{pid}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for field := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			all = append(all, child)
		}
	}
	return all
}

// Machine is where the figures were taken.
type Machine struct {
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	MemoryMB int64  `json:"memory_mb"`
	Kernel   string `json:"kernel"`
	Go       string `json:"go"`
	Load     string `json:"load_before"` // of other work, when the run began
	When     string `json:"when"`
}

func machine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), When: time.Now().UTC().Format(time.RFC3339)}
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	if _, after, ok := strings.Cut(string(cpu), "model name"); ok {
		line, _, _ := strings.Cut(after, "\n")
		m.CPU = strings.TrimSpace(strings.TrimLeft(line, "\t :"))
	}
	mem, _ := os.ReadFile("/proc/meminfo")
	m.MemoryMB = statusBytes(mem, "MemTotal:") >> 20
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(kernel))
	load, _ := os.ReadFile("/proc/loadavg")
	m.Load, _, _ = strings.Cut(string(load), " ")
	return m
}
