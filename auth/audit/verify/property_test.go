package verify_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

// Whatever is logged, an honest log verifies, and no change of a single byte
// of it passes.
func TestAnyByteCounts(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		b := audittest.New(t)
		b.Size = rapid.Int64Range(300, 5_000).Draw(rt, "segment size")
		b.Reopen(filepath.Join(root, string(rune('a'+n%26)), rapid.StringMatching(`[a-z]{12}`).Draw(rt, "folder")))
		defer func() { _ = os.RemoveAll(b.Dir()) }()
		events := rapid.SliceOfN(anEvent(), 1, 12).Draw(rt, "events")
		for _, e := range events {
			if _, err := b.Append(context.Background(), e); err != nil {
				rt.Fatalf("append %+v: %v", e, err)
			}
		}
		r, err := verify.Full(context.Background(), b.Log, nil)
		if err != nil || !r.OK || r.Events != uint64(len(events)) {
			rt.Fatalf("an honest log: %+v, %v", r, err)
		}
		got, err := b.Query(context.Background(), audit.Query{})
		if err != nil || len(got) != len(events) {
			rt.Fatalf("%d of %d events can be read (%v)", len(got), len(events), err)
		}
		if err := b.Flush(context.Background()); err != nil {
			rt.Fatal(err)
		}

		list := b.Numbers()
		path := b.Path(rapid.SampledFrom(list).Draw(rt, "segment"))
		data, err := os.ReadFile(path)
		if err != nil {
			rt.Fatal(err)
		}
		at := rapid.IntRange(0, len(data)-1).Draw(rt, "byte")
		other := rapid.Byte().Filter(func(c byte) bool { return c != data[at] }).Draw(rt, "becomes")
		changed := bytes.Clone(data)
		changed[at] = other
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			rt.Fatal(err)
		}
		r, err = verify.Full(context.Background(), b.Log, nil)
		if err != nil {
			rt.Fatal(err)
		}
		if r.OK {
			rt.Fatalf("byte %d of %s became %q unnoticed", at, path, other)
		}
	})
}

func anEvent() *rapid.Generator[audit.Event] {
	value := rapid.OneOf(
		rapid.String().AsAny(), rapid.Bool().AsAny(), rapid.Int().AsAny(), rapid.Uint64().AsAny(), rapid.Float64().AsAny(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }).AsAny(),
	)
	return rapid.Custom(func(t *rapid.T) audit.Event {
		return audit.Event{
			Name:    rapid.SampledFrom([]string{audit.LoginFailed, audit.TokenRefreshed, audit.Sealed, `","mac":null}`}).Draw(t, "name"),
			Profile: rapid.String().Draw(t, "profile"),
			Outcome: rapid.SampledFrom([]string{audit.OK, audit.Failed, ""}).Draw(t, "outcome"),
			Actor:   rapid.String().Draw(t, "actor"),
			Data:    rapid.MapOfN(rapid.StringN(1, 16, 64), value, 0, 5).Draw(t, "data"),
		}
	})
}

// Verify and Query meet files of any content; so do an append and the
// verification after it.
func FuzzHostileLog(f *testing.F) {
	b := audittest.New(f)
	b.Add(3)
	honest, err := os.ReadFile(b.Path(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(honest, honest)
	f.Add(honest, []byte("{"))
	f.Add([]byte{}, []byte("\n\n\x00\n"))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		b := audittest.New(t)
		for n, data := range [][]byte{one, two} {
			if err := os.WriteFile(b.Path(n+1), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := b.Verify()
		if _, err := b.Query(context.Background(), audit.Query{Text: "x"}); err != nil {
			t.Fatal(err)
		}
		e, err := b.Append(context.Background(), audit.Event{Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := b.Query(context.Background(), audit.Query{Limit: 1}); err != nil || len(got) != 1 || got[0].Seq != e.Seq {
			t.Fatalf("the event that was appended cannot be read: %v, %v", got, err)
		}
		if after := b.Verify(); after.OK && !before.OK {
			t.Fatalf("appending mended what was wrong: %+v", before.Problem)
		}
	})
}
