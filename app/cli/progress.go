package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	progressAfter = 300 * time.Millisecond // what is done sooner needs no bar
	progressEvery = 100 * time.Millisecond
	progressWidth = 30 // signs of the bar itself
)

// progress returns a function that draws a bar on w while something takes
// long, and one that wipes it. The first is nil if w is no terminal.
func progress(w io.Writer, what string, now func() time.Time) (draw func(done, total int64), end func()) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	return progressBar(w, what, now)
}

func progressBar(w io.Writer, what string, now func() time.Time) (draw func(done, total int64), end func()) {
	start := now()
	var last time.Time
	draw = func(done, total int64) {
		at := now()
		if total <= 0 || at.Sub(start) < progressAfter || at.Sub(last) < progressEvery {
			return
		}
		last = at
		part := int(progressWidth * min(done, total) / total)
		_, _ = fmt.Fprintf(w, "\r%s [%s%s] %3d%%", what, strings.Repeat("#", part), strings.Repeat(".", progressWidth-part), 100*min(done, total)/total)
	}
	return draw, func() {
		if !last.IsZero() {
			_, _ = fmt.Fprintf(w, "\r%s\r", strings.Repeat(" ", len(what)+progressWidth+8))
		}
	}
}
