package clients

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"znkr.io/diff"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

const (
	// Files on one line would otherwise fill the screen.
	longLine, lineEdge = 400, 80

	noNewline = "\n\\ No newline at end of file"
)

// Diff is the change as a unified diff for people: "" if there is none. Values
// that may be secrets are shown as •••, control characters as �, and very long
// lines in part, so it is nothing to feed to patch.
func (ch Change) Diff() string {
	if !ch.Writes() {
		return ""
	}
	from, to := ch.Path, ch.Path
	if !ch.Exists {
		from = "(no file)"
	}
	if ch.removes() {
		to = "(no file)"
	}
	before, a := ch.parsed(ch.Before)
	after, b := ch.parsed(ch.After)
	hunks := diff.Hunks(a, b)
	var seenA, seenB []lineRange
	for _, h := range hunks {
		seenA, seenB = append(seenA, lineRange{h.PosX, h.EndX}), append(seenB, lineRange{h.PosY, h.EndY})
	}
	return fmt.Sprintf("--- %s\n+++ %s\n", from, to) + unified(hunks, ch.shown(before, a, seenA), ch.shown(after, b, seenB))
}

// parsed is a file with its lines, without what is held of it. It is nil if the file is
// none that Plan takes.
func (ch Change) parsed(data []byte) (file, []string) {
	client, err := ch.client()
	if err != nil {
		return nil, lines(data)
	}
	d, err := client.parse(ch.Path, data)
	if err != nil {
		return nil, lines(data)
	}
	return d, lines(d.source())
}

// lineRange is some lines of a file, from the first to before the last.
type lineRange struct{ from, to int }

// String is as diff writes it: an empty range names the line before.
func (r lineRange) String() string {
	if r.from < r.to {
		return fmt.Sprintf("%d,%d", r.from+1, r.to-r.from)
	}
	return fmt.Sprintf("%d,0", r.from)
}

// shown is the file line by line as Diff prints it; lines that are not seen are
// hidden as a whole.
func (ch Change) shown(d file, raw []string, seen []lineRange) []string {
	out := slices.Repeat([]string{masked}, len(raw))
	if d == nil {
		return out
	}
	starts := []int{0}
	for _, line := range raw {
		starts = append(starts, starts[len(starts)-1]+len(line))
	}
	var spans []span
	for _, r := range seen {
		spans = append(spans, span{starts[r.from], starts[r.to]})
	}
	plain := ch.Entry.values()
	if client, err := ch.client(); err == nil {
		maps.Copy(plain, own(d, client))
		for _, f := range client.Extra {
			plain[fmt.Sprint(f.Value)] = true
		}
	}
	clean := lines(d.mask(plain, spans))
	for _, r := range seen {
		for i := r.from; i < r.to && i < len(clean); i++ {
			out[i] = printable(d.short(clean[i]))
		}
	}
	return out
}

// lines splits data behind each newline, which stays.
func lines(data []byte) []string {
	return slices.Collect(strings.Lines(string(data)))
}

// printable keeps a file from talking to the terminal and drops what ends the
// line.
func printable(line string) string {
	ended := strings.HasSuffix(line, "\n")
	line = text.Exact(strings.TrimPrefix(strings.TrimRight(line, "\r\n"), string(bom)))
	if !ended {
		line += noNewline
	}
	return line
}

// around shortens a long line to the part where it differs from other.
func around(line, other string) string {
	a, b := []rune(line), []rune(other)
	if len(a) <= longLine {
		return line
	}
	from, to := 0, len(a)
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	for n := len(b); to > from && n > from && a[to-1] == b[n-1]; n-- {
		to--
	}
	from, to = max(0, from-lineEdge), min(len(a), max(to, from)+lineEdge)
	out := string(a[from:to])
	if from > 0 {
		out = "… " + out
	}
	if to < len(a) {
		out += " …"
	}
	return out
}

// unified writes the hunks with the lines as they are shown.
func unified(hunks []diff.Hunk[string], before, after []string) string {
	var out strings.Builder
	for _, h := range hunks {
		fmt.Fprintf(&out, "@@ -%v +%v @@\n", lineRange{h.PosX, h.EndX}, lineRange{h.PosY, h.EndY})
		for i, e := range h.Edits {
			switch e.Op {
			case diff.Delete:
				other := ""
				if i+1 < len(h.Edits) && h.Edits[i+1].Op == diff.Insert {
					other = after[h.Edits[i+1].PosY]
				}
				fmt.Fprintf(&out, "-%s\n", around(before[e.PosX], other))
			case diff.Insert:
				other := ""
				if i > 0 && h.Edits[i-1].Op == diff.Delete {
					other = before[h.Edits[i-1].PosX]
				}
				fmt.Fprintf(&out, "+%s\n", around(after[e.PosY], other))
			default:
				line := after[e.PosY]
				if runes := []rune(line); len(runes) > longLine {
					line = string(runes[:2*lineEdge]) + " …"
				}
				fmt.Fprintf(&out, " %s\n", line)
			}
		}
	}
	return out.String()
}
