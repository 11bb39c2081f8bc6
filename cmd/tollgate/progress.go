package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// progressBar shows on a terminal how far long work is, in one line that it writes
// over. Where standard error is no terminal it shows nothing: a log wants no bars.
type progressBar struct {
	t     *terminal
	noun  string // several
	live  bool
	shown bool
	begun time.Time
	last  time.Time // when it was drawn
	wide  int       // characters of what was drawn
}

// redraw is how often a bar is drawn at most.
const redraw = 100 * time.Millisecond

// progress is a bar for work that is counted in nouns.
func (t *terminal) progress(noun string) *progressBar {
	bar := &progressBar{t: t, noun: noun, begun: time.Now()}
	if f, ok := t.stderr.(*os.File); ok {
		info, err := f.Stat()
		bar.live = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return bar
}

// show tells that so many of all are done.
func (b *progressBar) show(done, total int) {
	if b.live && total > 0 {
		b.draw(fmt.Sprintf("%s %s of %s %s", barOf(int64(done), int64(total)), count(int64(done)), count(int64(total)), b.noun))
	}
}

// showShare tells that a share of something is done, read bytes of all of a file,
// and how many that were; how many there are is not known. total 0 = nor how large
// the file is.
func (b *progressBar) showShare(read, total int64, done int) {
	if now := time.Now(); b.live && now.Sub(b.last) >= redraw {
		b.last = now
		b.draw(shareText(read, total, done, b.noun, now.Sub(b.begun)))
	}
}

func (b *progressBar) draw(text string) {
	b.shown = true
	pad := max(0, b.wide-len(text))
	b.wide = len(text)
	_, _ = fmt.Fprintf(b.t.stderr, "\r%s%s ", text, strings.Repeat(" ", pad))
}

// end leaves the line.
func (b *progressBar) end() {
	if b.shown {
		_, _ = fmt.Fprintln(b.t.stderr)
	}
}

func barOf(done, total int64) string {
	const width = 30
	full := int(min(done, total) * width / total)
	return "[" + strings.Repeat("#", full) + strings.Repeat(" ", width-full) + "]"
}

// shareText is how far something is, how fast it goes, and when it will be done.
func shareText(read, total int64, done int, noun string, passed time.Duration) string {
	text := count(int64(done)) + " " + noun
	if seconds := int64(passed / time.Second); seconds > 0 {
		text += fmt.Sprintf(", %s a second", count(int64(done)/seconds))
	}
	if total <= 0 {
		return text
	}
	text = fmt.Sprintf("%s %3d %% %s", barOf(read, total), min(read, total)*100/total, text)
	if passed >= time.Second && read > 0 && read < total {
		left := time.Duration(float64(passed) * float64(total-read) / float64(read))
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return text
}
