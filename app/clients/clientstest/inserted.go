package clientstest

import (
	"bytes"
	"strings"
)

// Inserted says that after is before with one piece put in, and nothing else changed. In
// place of an empty list of servers, or of a blank file, the piece may stand; a comma may
// come behind the member before it.
func Inserted(before, after []byte) bool {
	if piece(before, after) {
		return true
	}
	for _, empty := range []string{" {}", " { }", " ~"} { // with a comment of the user's behind it
		if emptied := bytes.Replace(before, []byte(empty), nil, 1); len(emptied) < len(before) && piece(emptied, after) {
			return true
		}
	}
	head := common(before, after)
	return head < len(after) && after[head] == ',' && piece(before, append(bytes.Clone(after[:head]), after[head+1:]...))
}

func piece(before, after []byte) bool {
	head := common(before, after)
	tail := 0
	for tail < min(len(before), len(after))-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	switch taken := before[head : len(before)-tail]; strings.ReplaceAll(string(bytes.TrimSpace(taken)), " ", "") {
	case "":
		return len(taken) == 0 || len(bytes.TrimSpace(before)) == 0
	case "null", "{}", "~", "{", "}":
		return true
	}
	return false
}

// common is how many bytes both begin with.
func common(a, b []byte) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
