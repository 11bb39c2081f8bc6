package main

import (
	"fmt"
	"os"
)

// progressBar shows on a terminal how far long work is, in one line that it writes
// over. Where standard error is no terminal it shows nothing: a log wants no bars.
type progressBar struct {
	t     *terminal
	noun  string
	live  bool
	shown bool
}

// progress is a bar for work that is counted in nouns.
func (t *terminal) progress(noun string) *progressBar {
	bar := &progressBar{t: t, noun: noun}
	if f, ok := t.stderr.(*os.File); ok {
		info, err := f.Stat()
		bar.live = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return bar
}

// show tells that so many of all are done.
func (b *progressBar) show(done, total int) {
	if !b.live || total == 0 {
		return
	}
	const width = 30
	full := min(done, total) * width / total
	b.shown = true
	_, _ = fmt.Fprintf(b.t.stderr, "\r[%-*s] %s of %s %s ", width, "##############################"[:full], count(int64(done)), count(int64(total)), b.noun)
}

// end leaves the line.
func (b *progressBar) end() {
	if b.shown {
		_, _ = fmt.Fprintln(b.t.stderr)
	}
}
