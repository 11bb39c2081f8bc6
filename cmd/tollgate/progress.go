package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows on the standard error how far long work has come: a bar on a
// terminal, a line now and then elsewhere.
type progress struct {
	w      io.Writer
	tty    bool
	noun   string // of what is counted
	total  int64  // 0 = not known
	begun  time.Time
	shown  time.Time
	length int // of what stands on the terminal's line
}

const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
	barWidth  = 30
)

func newProgress(t *terminal, noun string, total int64) *progress {
	p := &progress{w: t.stderr, noun: noun, total: total, begun: time.Now()}
	p.shown = p.begun
	if f, ok := t.stderr.(*os.File); ok {
		info, err := f.Stat()
		p.tty = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// at shows that done of the total, and so many things, are done.
func (p *progress) at(done int64, things int) {
	every := lineEvery
	if p.tty {
		every = barEvery
	}
	now := time.Now()
	if now.Sub(p.shown) < every {
		return
	}
	p.shown = now
	text := progressText(p.noun, done, p.total, things, now.Sub(p.begun))
	if !p.tty {
		_, _ = fmt.Fprintln(p.w, text)
		return
	}
	pad := max(0, p.length-len(text))
	p.length = len(text)
	_, _ = fmt.Fprintf(p.w, "\r%s%s", text, strings.Repeat(" ", pad))
}

// end clears the bar.
func (p *progress) end() {
	if p.length > 0 {
		_, _ = fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.length))
		p.length = 0
	}
}

// progressText is one line of progress.
func progressText(noun string, done, total int64, things int, passed time.Duration) string {
	text := counted(int64(things), noun)
	if seconds := passed.Seconds(); seconds >= 1 {
		text += fmt.Sprintf(", %s a second", count(int64(float64(things)/seconds)))
	}
	if total <= 0 {
		return text
	}
	share := min(max(float64(done)/float64(total), 0), 1)
	full := int(share * barWidth)
	text = fmt.Sprintf("[%s%s] %3.0f %%  %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), share*100, text)
	if left := time.Duration(float64(passed) * (1 - share) / max(share, 0.01)).Round(time.Second); left > 0 && passed > time.Second {
		text += fmt.Sprintf(", %s left", left)
	}
	return text
}
