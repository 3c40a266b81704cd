package cli

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// writeJSON prints v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// writeJSONLine prints v as one line of JSON.
func writeJSONLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// warnOf says on standard error what is not as it should be, if anything.
func warnOf(w io.Writer, problem, advice string) {
	if problem != "" {
		_, _ = fmt.Fprintln(w, "stagedoor: "+printable(problem))
	}
	if advice != "" {
		_, _ = fmt.Fprintln(w, "hint: "+printable(advice))
	}
}

// ask puts a question to the user, whose answer is no unless it is yes.
func ask(env Env, question string) bool {
	_, _ = fmt.Fprint(env.Err, question+" [y/N] ")
	answer, _ := bufio.NewReader(env.In).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// table prints rows in columns.
func table(w io.Writer, header []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = printable(c)
		}
		if _, err := fmt.Fprintln(t, strings.TrimRight(strings.Join(cells, "\t"), " ")); err != nil {
			return err
		}
	}
	return t.Flush()
}

// CopySequence is what makes a terminal put a text into the clipboard: OSC 52 of
// xterm's control sequences, which works over ssh too. A terminal that does not
// know it, or is told not to, shows nothing.
func CopySequence(text string) string {
	return "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\x07"
}

// printable is a text that somebody else may have chosen, on one line.
func printable(s string) string { return text.Line(s, 2000) }

// until says how far away a time is, in the largest unit that fits.
func until(t, now time.Time) string {
	if d := t.Sub(now); d < 0 {
		return span(-d) + " ago"
	}
	return "in " + span(t.Sub(now))
}

func span(d time.Duration) string {
	n, unit := int(d.Hours()/24), "day"
	switch {
	case d < time.Minute:
		n, unit = int(d.Seconds()), "second"
	case d < time.Hour:
		n, unit = int(d.Minutes()), "minute"
	case d < 48*time.Hour:
		n, unit = int(d.Hours()), "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
