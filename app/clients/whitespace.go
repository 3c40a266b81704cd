package clients

import "bytes"

// JSON's whitespace. bytes.TrimSpace takes more than that away.
const space = " \t\r\n"

func trimSpace(b []byte) []byte      { return bytes.Trim(b, space) }
func trimSpaceRight(b []byte) []byte { return bytes.TrimRight(b, space) }

// commentLen is the length of the comment that b begins with, the newline of a
// line comment included, or 0. A comment that does not end goes on to the end.
func commentLen(b []byte) int {
	var end string
	switch {
	case bytes.HasPrefix(b, []byte("//")):
		end = "\n"
	case bytes.HasPrefix(b, []byte("/*")):
		end = "*/"
	default:
		return 0
	}
	if i := bytes.Index(b[2:], []byte(end)); i >= 0 {
		return 2 + i + len(end)
	}
	return len(b)
}

// lastComment returns where the last comment in extra (whitespace and comments)
// ends, without the space and the newline after a line comment, and whether it
// is a line comment. Without a comment it returns 0.
func lastComment(extra []byte) (end int, line bool) {
	for i := 0; i < len(extra); {
		n := commentLen(extra[i:])
		if n == 0 {
			i++
			continue
		}
		line = extra[i+1] == '/'
		end = i + len(trimSpaceRight(extra[i:i+n]))
		i += n
	}
	return end, line
}

// sameLine returns where the comments end that stand behind a value on its own
// line: they are about that value and stay next to it.
func sameLine(extra []byte) (end int) {
	for i := 0; i < len(extra); {
		if extra[i] == ' ' || extra[i] == '\t' {
			i++
			continue
		}
		n := commentLen(extra[i:])
		if n == 0 {
			break
		}
		end = i + len(trimSpaceRight(extra[i:i+n]))
		if extra[i+1] == '/' {
			break
		}
		i += n
	}
	return end
}

// startsLine says that b has nothing but space before its first newline.
func startsLine(b []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(b, " \t\r"), []byte("\n"))
}

// lineIndent is the indentation of the line that offset at is on.
func lineIndent(text []byte, at int) string {
	line := text[bytes.LastIndexByte(text[:at], '\n')+1:]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// ownLine says that nothing but indentation stands before offset at.
func ownLine(text []byte, at int) bool {
	before := bytes.TrimRight(text[:at], " \t")
	return bytes.HasSuffix(before, []byte("\n"))
}
