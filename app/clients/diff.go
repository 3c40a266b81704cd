package clients

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

const (
	contextLines = 3
	// Files on one line would otherwise fill the screen.
	longLine, lineEdge = 400, 80
	// Above this many pairs of lines the middle is shown as one block.
	maxPairs = 1 << 20

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
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", from, to)
	a, b := lines(ch.Before), lines(ch.After)
	hs := hunks(compare(a, b))
	oldText := ch.shown(ch.Before, a, hs, func(o op) int { return o.a })
	newText := ch.shown(ch.After, b, hs, func(o op) int { return o.b })
	for _, h := range hs {
		h.write(&out, oldText, newText)
	}
	return out.String()
}

// shown is the file line by line as Diff prints it, the lines outside the
// hunks hidden as a whole; at tells which line of this file an op is about.
func (ch Change) shown(data []byte, raw []string, hs []hunk, at func(op) int) []string {
	d, err := parse(ch.Path, data)
	if err != nil {
		return slices.Repeat([]string{masked}, len(raw)) // Plan refuses such a file
	}
	starts := []int{-len(d.bom)}
	for _, line := range raw {
		starts = append(starts, starts[len(starts)-1]+len(line))
	}
	var seen []span
	for _, h := range hs {
		first, last := at(h[0]), at(h[len(h)-1])
		seen = append(seen, span{starts[first], starts[min(last+1, len(raw))]})
	}
	plain := ch.Entry.values()
	if client, err := Lookup(ch.Client); err == nil {
		for _, f := range client.Extra {
			plain[f.Value] = true
		}
	}
	clean := lines(append(bytes.Clone(d.bom), d.mask(plain, seen)...))
	out := slices.Repeat([]string{masked}, len(clean))
	for _, h := range hs {
		for i := at(h[0]); i <= at(h[len(h)-1]) && i < len(out); i++ {
			out[i] = printable(clean[i])
		}
	}
	return out
}

// lines splits data behind each newline, which stays.
func lines(data []byte) []string {
	out := strings.SplitAfter(string(data), "\n")
	if out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

// printable keeps a file from talking to the terminal and drops what ends the
// line.
func printable(line string) string {
	ended := strings.HasSuffix(line, "\n")
	line = strings.TrimRight(line, "\r\n")
	line = strings.TrimPrefix(line, string(bom))
	line = text.Exact(line)
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

// op is a line of a diff: '-' and ' ' have a line a of the old text, '+' and ' '
// a line b of the new one.
type op struct {
	kind byte
	a, b int
}

// compare is the shortest way from a to b, by the longest common subsequence
// of what is left between their common beginning and end.
func compare(a, b []string) (ops []op) {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		ops = append(ops, op{' ', start, start})
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	ops = append(ops, compareMiddle(a[start:endA], b[start:endB], start)...)
	for ; endA < len(a); endA, endB = endA+1, endB+1 {
		ops = append(ops, op{' ', endA, endB})
	}
	return ops
}

func compareMiddle(a, b []string, offset int) (ops []op) {
	table := make([][]int, len(a)+1)
	if len(a)*len(b) <= maxPairs {
		for i := range table {
			table[i] = make([]int, len(b)+1)
		}
		for i := len(a) - 1; i >= 0; i-- {
			for j := len(b) - 1; j >= 0; j-- {
				if table[i][j] = max(table[i+1][j], table[i][j+1]); a[i] == b[j] {
					table[i][j] = table[i+1][j+1] + 1
				}
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j] && table[i] != nil:
			ops = append(ops, op{' ', offset + i, offset + j})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || table[i] == nil || table[i+1][j] >= table[i][j+1]):
			ops = append(ops, op{'-', offset + i, offset + j})
			i++
		default:
			ops = append(ops, op{'+', offset + i, offset + j})
			j++
		}
	}
	return ops
}

type hunk []op

// hunks are the changed lines with their context; neighbours share one.
func hunks(ops []op) (out []hunk) {
	for i := 0; i < len(ops); i++ {
		if ops[i].kind == ' ' {
			continue
		}
		from, to := max(0, i-contextLines), i
		for next := i; next < len(ops) && next <= to+2*contextLines+1; next++ {
			if ops[next].kind != ' ' {
				to = next
			}
		}
		end := min(len(ops), to+contextLines+1)
		out = append(out, hunk(ops[from:end]))
		i = end - 1
	}
	return out
}

func (h hunk) write(out *strings.Builder, oldText, newText []string) {
	countA, countB := 0, 0
	for _, o := range h {
		if o.kind != '+' {
			countA++
		}
		if o.kind != '-' {
			countB++
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", lineRange(h[0].a, countA), lineRange(h[0].b, countB))
	for i, o := range h {
		var line, other string
		switch o.kind {
		case '-':
			line = oldText[o.a]
			if i+1 < len(h) && h[i+1].kind == '+' {
				other = newText[h[i+1].b]
			}
		case '+':
			line = newText[o.b]
			if i > 0 && h[i-1].kind == '-' {
				other = oldText[h[i-1].a]
			}
		default:
			line = newText[o.b]
			if runes := []rune(line); len(runes) > longLine {
				line = string(runes[:2*lineEdge]) + " …"
			}
		}
		fmt.Fprintf(out, "%c%s\n", o.kind, around(line, other))
	}
}

// lineRange is written as diff does: an empty one names the line before.
func lineRange(start, count int) string {
	if count > 0 {
		start++
	}
	return fmt.Sprintf("%d,%d", start, count)
}
