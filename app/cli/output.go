package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// json prints v as indented JSON.
func (f *Factory) json(v any) error { return f.encode(v, "  ") }

// lines prints events as a JSON array in which each has a line of its own, so that
// grep finds whole ones.
func (f *Factory) lines(events []audit.Event) error {
	before := "[\n"
	for _, e := range events {
		if _, err := io.WriteString(f.Out, before); err != nil {
			return err
		}
		if err := f.encode(e, ""); err != nil {
			return err
		}
		before = ","
	}
	end := "]\n"
	if len(events) == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(f.Out, end)
	return err
}

// encode prints v as JSON, on one line without an indent.
func (f *Factory) encode(v any, indent string) error {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetIndent("", indent)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	if err == nil {
		_, err = io.WriteString(f.Out, text.JSON(out.String()))
	}
	return err
}

// ask puts a question to the user, whose answer is no unless it is yes.
func (f *Factory) ask(question string) bool {
	answer := strings.ToLower(f.typed(question + " [y/N]"))
	return answer == "y" || answer == "yes"
}

// typed is the line that the user types at a question, and no more of standard input.
func (f *Factory) typed(question string) string {
	f.notef("%s ", question)
	var line strings.Builder
	for one := make([]byte, 1); ; line.Write(one) {
		if _, err := io.ReadFull(f.In, one); err != nil || one[0] == '\n' {
			return strings.TrimSpace(line.String())
		}
	}
}

// screen is the terminal that standard error is, or nil.
func (f *Factory) screen() io.Writer {
	if screen, ok := f.Err.(*os.File); ok && term.IsTerminal(int(screen.Fd())) {
		return screen
	}
	return nil
}

// list prints values as JSON or as a table, or that there are none of what.
func list[T any](f *Factory, asJSON bool, values []T, what string, header []string, row func(T) []string) error {
	if asJSON {
		return f.json(append([]T{}, values...))
	}
	if len(values) == 0 {
		f.printf("There are no %s.\n", what)
		return nil
	}
	t := tabwriter.NewWriter(f.Out, 0, 0, 2, ' ', 0)
	write := func(cells []string) {
		for i, c := range cells {
			cells[i] = printable(c)
		}
		_, _ = io.WriteString(t, strings.TrimRight(strings.Join(cells, "\t"), " ")+"\n")
	}
	write(header)
	for _, v := range values {
		write(row(v))
	}
	return t.Flush()
}

// CopySequence is what makes a terminal put a text into the clipboard: OSC 52 of
// xterm's control sequences, which works over ssh too. A terminal that does not
// know it, or is told not to, shows nothing.
func CopySequence(text string) string {
	return "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\x07"
}

const maxText = 2000 // characters of a text that somebody else may have chosen

// printable is such a text on one line.
func printable(s string) string { return text.Line(s, maxText) }

// count is "1 event" or "2 events".
func count[N int | uint64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// second shows times in tables, minute in sentences. Both are local.
const (
	second = "2006-01-02 15:04:05"
	minute = "2006-01-02 15:04"
)

// until says how far away a time is, in the largest unit that fits.
func until(t, now time.Time) string {
	switch d := t.Sub(now); {
	case t.IsZero():
		return ""
	case d < 0:
		return span(-d) + " ago"
	default:
		return "in " + span(d)
	}
}

// ends says when an access token ends.
func ends(p auth.ProfileView, now time.Time) string {
	if p.NoEnd {
		return "no known end"
	}
	return until(p.Expires, now)
}

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return count(int(d.Seconds()), "second")
	case d < time.Hour:
		return count(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return count(int(d.Hours()), "hour")
	}
	return count(int(d.Hours()/24), "day")
}
