package proxy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzParse compares what routing reads with what a JSON parser says.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"progressToken":"x"}}}`,
		`{"id":null,"id":"\u0061\"","\u006dethod":"x","params":[{"id":3}]}`,
		`[{"id":1,"result":{"isError":true}},{"method":"m"}]`, `[]`, `{}`, `{"a":{"b":[1,{"c":"}"}]},"id":9007199254740993}`, `{"id":1,}`, `{"id":1}x`, "{\"id\":\"\\\\\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		messages, ok := parse(line, nil)
		for _, m := range messages {
			for _, s := range []span{m.id, m.params, m.result, m.failure, m.in.cursor, m.in.meta, m.in.name} {
				if s.from < 0 || s.to < s.from || s.to > len(line) {
					t.Fatalf("a span is outside of the line: %v", s)
				}
			}
		}
		if !json.Valid(line) {
			return
		}
		var want []map[string]json.RawMessage
		var one map[string]json.RawMessage
		switch {
		case json.Unmarshal(line, &one) == nil && one != nil:
			want = append(want, one)
		case json.Unmarshal(line, &want) != nil || len(want) == 0:
			if ok {
				t.Fatalf("%q was taken for messages", line)
			}
			return
		}
		for _, w := range want {
			if w == nil { // null, which is no message
				return
			}
		}
		if !ok || len(messages) != len(want) {
			t.Fatalf("%q: %d messages, ok %v; want %d", line, len(messages), ok, len(want))
		}
		for i, m := range messages {
			id := want[i]["id"]
			if string(id) == "null" {
				id = nil
			}
			if !bytes.Equal(m.id.of(line), id) || !bytes.Equal(m.params.of(line), want[i]["params"]) || !bytes.Equal(m.result.of(line), want[i]["result"]) {
				t.Errorf("%q: id %q, params %q, result %q; want %q, %q, %q", line, m.id.of(line), m.params.of(line), m.result.of(line), id, want[i]["params"], want[i]["result"])
			}
			var method string
			_ = json.Unmarshal(want[i]["method"], &method)
			if m.method != method {
				t.Errorf("%q: method %q, want %q", line, m.method, method)
			}
			var params map[string]json.RawMessage
			if json.Unmarshal(want[i]["params"], &params) == nil && want[i]["result"] == nil && !bytes.Equal(m.in.name.of(line), params["name"]) {
				t.Errorf("%q: name %q, want %q", line, m.in.name.of(line), params["name"])
			}
		}
	})
}

// FuzzLines compares lines with those of a split, in pieces of any size.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbb\r\n\nc"), 3)
	f.Add([]byte(strings.Repeat("x", 40)+"\ny\n"), 7)
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		r := &lineReader{r: bufio.NewReaderSize(&pieces{data, max(1, piece)}, 16), max: 1 << 30}
		var got []byte
		for {
			line, _, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
				t.Fatalf("line %q: %v", line, err)
			}
			got = append(got, line...)
		}
		want := data
		if len(data) > 0 && data[len(data)-1] != '\n' {
			want = append(bytes.Clone(data), '\n')
		}
		if !bytes.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

type pieces struct {
	data []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.data)
	p.data = p.data[n:]
	return n, nil
}

// The first answer must say that lists can change, whatever the server has in it.
func TestPromise(t *testing.T) {
	for before, after := range map[string]string{
		`{"tools":{}}`:                                         `{"tools":{"listChanged":true}}`,
		`{"tools": { } ,"logging":{}}`:                         `{"tools": {"listChanged":true} ,"logging":{}}`,
		`{"tools":{"listChanged":false},"prompts":{"x":1}}`:    `{"tools":{"listChanged":true},"prompts":{"listChanged":true,"x":1}}`,
		`{"resources":{"subscribe":true,"listChanged":true}}`:  `{"resources":{"subscribe":true,"listChanged":true}}`,
		`{"experimental":{"tools":{}},"tools":null,"tasks":0}`: `{"experimental":{"tools":{}},"tools":null,"tasks":0}`,
		`{}`: `{}`, `7`: `7`,
	} {
		line := []byte(`{"id":1,"result":{"a":1,"capabilities":` + before + `,"b":2}}`)
		m, ok := parse(line, nil)
		if !ok {
			t.Fatal(before)
		}
		if got := string(splice(line, promise(line, m[0]))); got != `{"id":1,"result":{"a":1,"capabilities":`+after+`,"b":2}}` {
			t.Errorf("%s became %s", before, got)
		}
	}
}

// A message of 60 MB must pass, in bounded memory.
func TestLongLine(t *testing.T) {
	const size = 60 << 20
	r := newLineReader(io.MultiReader(strings.NewReader(`{"id":1,"a":"`), io.LimitReader(xs{}, size), strings.NewReader("\"}\nnext\n")), DefaultMaxLine)
	line, _, err := r.next()
	if err != nil || len(line) != size+len("{\"id\":1,\"a\":\"\"}\n") {
		t.Fatalf("%d bytes: %v", len(line), err)
	}
	if line, _, err := r.next(); err != nil || string(line) != "next\n" {
		t.Errorf("then %q, %v", line, err)
	}
}

type xs struct{}

func (xs) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}
