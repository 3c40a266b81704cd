package proxy

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

func BenchmarkMessage(b *testing.B) {
	x := &Proxy{p: Params{Out: io.Discard, Err: io.Discard, Now: time.Now, MaxLine: DefaultMaxLine}, out: &lineWriter{w: io.Discard}, s: newSession(), living: map[*server]bool{}}
	x.room = sync.NewCond(&x.mu)
	s := &server{generation: 1, in: &lineWriter{w: io.Discard}, private: map[string]chan []byte{}}
	x.current = s
	ask := []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":"` + strings.Repeat("y", 940) + `"}}}` + "\n")
	answer := []byte(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"` + strings.Repeat("y", 940) + `"}]}}` + "\n")
	b.ReportAllocs()
	for b.Loop() {
		x.fromClient(context.Background(), ask, true)
		x.fromServer(s, answer, true)
	}
}
