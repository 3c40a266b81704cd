package clients

import (
	"bytes"
	"strings"

	"github.com/BurntSushi/toml"
)

// statement is a table's header or a key with its value, in the lines that it takes.
// What stands between statements is blank or a comment.
type statement struct {
	span            // whole lines, with their ends
	table  []string // of the header, or that the key is in
	header bool     // [table]
	array  bool     // [[table]], or a key in one
	key    []string // dotted
	value  span     // of the key
}

// in says that the statement is in a table, or in one below it.
func (s statement) in(table []string) bool {
	all := append(append([]string{}, s.table...), s.key...)
	if len(all) < len(table) || s.array {
		return false
	}
	for i, part := range table {
		if all[i] != part {
			return false
		}
	}
	return true
}

// tomlStatements takes a valid document apart. It is not ok if it comes to what no valid
// document has.
func tomlStatements(text []byte) (list []statement, ok bool) {
	s := tomlScanner{text: text}
	var table []string
	array := false
	for {
		s.gap()
		if s.i >= len(text) {
			return list, !s.lost
		}
		st := statement{span: span{from: 1 + bytes.LastIndexByte(text[:s.i], '\n')}}
		if text[s.i] == '[' {
			st.header, st.array = true, bytes.HasPrefix(text[s.i:], []byte("[["))
			s.i++
			if st.array {
				s.i++
			}
			table = s.key(']')
			array = st.array
			st.table = table
			s.i++
			if st.array {
				s.i++
			}
		} else {
			st.table, st.array = table, array
			st.key = s.key('=')
			s.i++
			s.blank()
			st.value.from = s.i
			s.value()
			st.value.to = s.i
		}
		if end := bytes.IndexByte(text[min(s.i, len(text)):], '\n'); end >= 0 {
			s.i += end + 1
		} else {
			s.i = len(text)
		}
		st.to = s.i
		list = append(list, st)
		if s.lost {
			return nil, false
		}
	}
}

// tomlScanner goes through a valid document.
type tomlScanner struct {
	text []byte
	i    int
	lost bool
}

func (s *tomlScanner) at(prefix string) bool {
	return s.i < len(s.text) && bytes.HasPrefix(s.text[s.i:], []byte(prefix))
}

func (s *tomlScanner) blank() {
	for s.i < len(s.text) && (s.text[s.i] == ' ' || s.text[s.i] == '\t') {
		s.i++
	}
}

// gap goes over white space, newlines and comments.
func (s *tomlScanner) gap() {
	for s.i < len(s.text) {
		switch s.text[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		case '#':
			s.to("\n")
		default:
			return
		}
	}
}

// to goes behind the next occurrence.
func (s *tomlScanner) to(mark string) {
	if n := bytes.Index(s.text[s.i:], []byte(mark)); n >= 0 {
		s.i += n + len(mark)
		return
	}
	s.i = len(s.text)
}

// key reads a dotted key up to the character behind it.
func (s *tomlScanner) key(end byte) (parts []string) {
	for s.i < len(s.text) && s.text[s.i] != end {
		switch c := s.text[s.i]; c {
		case ' ', '\t', '.':
			s.i++
		case '"', '\'':
			from := s.i
			s.value()
			parts = append(parts, tomlString(s.text[from:s.i]))
		default:
			from := s.i
			for s.i < len(s.text) && strings.IndexByte(" \t.=]\r\n", s.text[s.i]) < 0 {
				s.i++
			}
			if s.i == from {
				s.lost = true
				return nil
			}
			parts = append(parts, string(s.text[from:s.i]))
		}
	}
	s.lost = s.lost || s.i >= len(s.text)
	return parts
}

// value goes behind a value.
func (s *tomlScanner) value() {
	switch {
	case s.at(`"""`), s.at(`'''`):
		mark := string(s.text[s.i : s.i+3])
		s.i += 3
		for !s.at(mark) && s.i < len(s.text) {
			if s.text[s.i] == '\\' && mark == `"""` {
				s.i++
			}
			s.i++
		}
		s.i += 3
		for n := 0; n < 2 && s.at(mark[:1]); n++ { // quotes that belong to the text
			s.i++
		}
	case s.at(`"`):
		for s.i++; s.i < len(s.text) && s.text[s.i] != '"'; s.i++ {
			if s.text[s.i] == '\\' {
				s.i++
			}
		}
		s.i++
	case s.at(`'`):
		s.i++
		s.to(`'`)
	case s.at(`[`), s.at(`{`):
		closing, table := byte(']'), s.at(`{`)
		if table {
			closing = '}'
		}
		for s.i++; ; {
			s.gap()
			if s.i >= len(s.text) || s.text[s.i] == closing {
				break
			}
			if table {
				s.key('=')
				s.i++
				s.gap()
			}
			before := s.i
			s.value()
			if s.gap(); s.at(",") {
				s.i++
			} else if s.i == before {
				break
			}
		}
		s.i++
	default:
		from := s.i
		for s.i < len(s.text) && strings.IndexByte(",]}#\r\n", s.text[s.i]) < 0 {
			s.i++
		}
		s.i = from + len(bytes.TrimRight(s.text[from:s.i], " \t"))
	}
	if s.i > len(s.text) {
		s.i, s.lost = len(s.text), true
	}
}

// tomlString is what a quoted string says.
func tomlString(raw []byte) string {
	var v struct{ V string }
	_, _ = toml.Decode("V = "+string(raw), &v)
	return v.V
}
