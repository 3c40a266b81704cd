package export

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

func written(b *audittest.Log, o Options) string {
	b.T.Helper()
	var out bytes.Buffer
	o.Local = time.FixedZone("", 3600)
	if _, err := Write(b.T.Context(), b.Log, &out, o); err != nil {
		b.T.Fatal(err)
	}
	return out.String()
}

func exportable(t testing.TB) *audittest.Log {
	b := audittest.New(t)
	for _, e := range []audit.Event{
		{Name: audit.TokensSaved, Profile: "p1", Outcome: audit.OK, Data: map[string]any{"name": "work", "storage": "keychain"}},
		{Name: audit.SecurityAlert, Outcome: audit.OK, Data: map[string]any{"severity": "P1", "message": `a "quoted", odd one`}},
		{Name: audit.ProfileCreated, Profile: "=HYPERLINK(1)", Outcome: audit.OK, Data: map[string]any{"name": "@SUM(A1)"}},
		{Name: audit.ImportedEvent, Profile: "p1", Outcome: audit.OK, Data: map[string]any{"original_event": audit.TokenRotation, "original_time": "2025-05-01T10:00:00Z", "profile": "default"}},
	} {
		if _, err := b.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// What leaves as JSON Lines is the log itself, so that it can be checked.
func TestAnExportIsTheLogItself(t *testing.T) {
	b := exportable(t)
	if diff := cmp.Diff(strings.Join(b.Lines(1), ""), written(b, Options{Format: JSONLines})); diff != "" {
		t.Error(diff)
	}
	if got := written(b, Options{Format: JSONLines, Query: audit.Query{Profile: "p1", Name: audit.TokensSaved}}); got != b.Lines(1)[0] {
		t.Errorf("one event: %s", got)
	}
}

// A line that somebody put into the log steers no terminal on its way out.
func TestForgedLineSteersNoTerminal(t *testing.T) {
	b := exportable(t)
	b.Change(1, func(lines []string) []string {
		lines[0] = strings.Replace(lines[0], `"work"`, "\"\u202e2J\"", 1)
		return lines
	})
	for _, format := range []Format{JSONLines, CSV, Legacy} {
		got := written(b, Options{Format: format})
		if strings.ContainsAny(got, "\u202e\u009b") || !strings.Contains(got, "2J") {
			t.Errorf("%s: %q", format, got)
		}
	}
}

// A spreadsheet must show what is there and calculate nothing.
func TestASpreadsheetCalculatesNothing(t *testing.T) {
	b := exportable(t)
	rows, err := csv.NewReader(strings.NewReader(written(b, Options{Format: CSV, NameOf: func(id string) string { return "+" + id }}))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"seq", "time", "event", "outcome", "severity", "profile", "profile_name", "actor", "pid", "data"},
		{"1", "2026-03-01T09:00:01.000000000Z", "tokens_saved", "ok", "", "p1", "work", "test", "42", `{"name":"work","storage":"keychain"}`},
		{"2", "2026-03-01T09:00:02.000000000Z", "security_alert", "ok", "P1", "", "", "test", "42", `{"message":"a \"quoted\", odd one","severity":"P1"}`},
		{"3", "2026-03-01T09:00:03.000000000Z", "profile_created", "ok", "", "'=HYPERLINK(1)", "'@SUM(A1)", "test", "42", `{"name":"@SUM(A1)"}`},
		{"4", "2026-03-01T09:00:04.000000000Z", "imported_event", "ok", "", "p1", "'+p1", "test", "42", `{"original_event":"token_rotation","original_time":"2025-05-01T10:00:00Z","profile":"default"}`},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

// A script for the Spotify server's log reads ours.
func TestAScriptForTheOldLogReadsTheExport(t *testing.T) {
	b := exportable(t)
	var got []legacyEvent
	if err := json.Unmarshal([]byte(written(b, Options{Format: Legacy})), &got); err != nil {
		t.Fatal(err)
	}
	want := []legacyEvent{
		{"2026-03-01T10:00:01", audit.TokensSaved, map[string]any{"profile": "work", "storage": "keychain"}},
		{"2026-03-01T10:00:02", audit.SecurityAlert, map[string]any{"severity": "P1", "message": `a "quoted", odd one`}},
		{"2026-03-01T10:00:03", audit.ProfileCreated, map[string]any{"profile": "@SUM(A1)"}},
		{"2025-05-01T11:00:00", audit.TokenRotation, map[string]any{"profile": "default"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := written(b, Options{Format: Legacy, Query: audit.Query{Name: "none"}}); got != "[]\n" {
		t.Errorf("nothing: %q", got)
	}
	if at := legacyTime(time.Date(2026, 1, 2, 3, 4, 5, 120_000_999, time.UTC), time.UTC); at != "2026-01-02T03:04:05.120000" {
		t.Error(at)
	}
	if _, err := Write(t.Context(), b.Log, io.Discard, Options{Format: "xml"}); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

// Whoever can write a line into the log must not steer the terminal that an
// export is printed on.
func TestExportSteersNoTerminal(t *testing.T) {
	b := exportable(t)
	words := "\x1b]0;owned\x07\u202eevil\u009b31m\x7f\U000e0041ü"
	if _, err := b.Append(t.Context(), audit.Event{Name: audit.ProfileUsed, Profile: words, Outcome: audit.OK, Data: map[string]any{"name": words}}); err != nil {
		t.Fatal(err)
	}
	for _, format := range []Format{CSV, Legacy} {
		out := written(b, Options{Format: format})
		if i := strings.IndexFunc(strings.ReplaceAll(strings.ReplaceAll(out, "\n", ""), "\ufffd", ""), text.Hidden); i >= 0 || !strings.Contains(out, "ü") {
			t.Errorf("%s: %q", format, out)
		}
	}
	var got []legacyEvent
	if err := json.Unmarshal([]byte(written(b, Options{Format: Legacy})), &got); err != nil || got[len(got)-1].Data["profile"] != words {
		t.Errorf("%+v, %v", got, err)
	}
}

func bundle(b *audittest.Log) []byte {
	b.T.Helper()
	var out bytes.Buffer
	if _, err := WriteBundle(context.Background(), b.Log, &out, "stagedoor test", nil); err != nil {
		b.T.Fatal(err)
	}
	return out.Bytes()
}

func checkBundle(t testing.TB, data []byte) BundleReport {
	t.Helper()
	r, err := CheckBundle(context.Background(), bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// repack writes a zip again after a change to its files.
func repack(t testing.TB, data []byte, change func(files map[string][]byte)) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	change(files)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Whatever is done to a bundle on its way, whoever gets it must notice.
func TestAChangedBundleIsNoticed(t *testing.T) {
	b := audittest.Segmented(t)
	honest := bundle(b)
	r := checkBundle(t, honest)
	if !r.OK || r.Events != 100 || !r.Statement.Report.OK || r.Statement.PublicKey != audit.PublicKey(audittest.Key) || r.Statement.Report.PublicKey != audit.PublicKey(audittest.Key) {
		t.Fatalf("an honest bundle: %+v", r)
	}
	if bytes.Contains(honest, audittest.Key) {
		t.Error("the key is in the bundle")
	}
	other := audittest.New(t)
	other.Keychain.Secret = bytes.Repeat([]byte{9}, 32)
	other.Add(2)
	foreign := map[string][]byte{}
	repack(t, bundle(other), func(files map[string][]byte) { foreign = files })
	const first = "segments/000001.jsonl"
	for name, change := range map[string]func(files map[string][]byte){
		"a line edited": func(f map[string][]byte) { f[first] = bytes.Replace(f[first], []byte(`"ok"`), []byte(`"ko"`), 1) },
		"a line cut off": func(f map[string][]byte) {
			f[first] = f[first][:bytes.LastIndexByte(f[first][:len(f[first])-1], '\n')+1]
		},
		"a segment gone":   func(f map[string][]byte) { delete(f, "segments/000002.jsonl") },
		"a segment put in": func(f map[string][]byte) { f["segments/000099.jsonl"] = f[first] },
		"another file":     func(f map[string][]byte) { f["setup.exe"] = []byte("MZ") },
		"segments swapped": func(f map[string][]byte) { f[first], f["segments/000002.jsonl"] = f["segments/000002.jsonl"], f[first] },
		"no statement":     func(f map[string][]byte) { delete(f, bundleStatement) },
		"no signature":     func(f map[string][]byte) { delete(f, bundleSignature) },
		"readme changed":   func(f map[string][]byte) { f[bundleReadme] = []byte("all is well") },
		"statement changed": func(f map[string][]byte) {
			f[bundleStatement] = bytes.Replace(f[bundleStatement], []byte("2026"), []byte("2025"), 1)
		},
		"statement of another, with its signature": func(f map[string][]byte) {
			f[bundleStatement], f[bundleSignature] = foreign[bundleStatement], foreign[bundleSignature]
		},
		"signature of another": func(f map[string][]byte) { f[bundleSignature] = foreign[bundleSignature] },
		"signature cut":        func(f map[string][]byte) { f[bundleSignature] = f[bundleSignature][:40] },
	} {
		if r := checkBundle(t, repack(t, honest, change)); r.OK || r.Problem == "" {
			t.Errorf("%s goes unnoticed", name)
		} else {
			t.Logf("%s: %s", name, r.Problem)
		}
	}
	for name, data := range map[string][]byte{"empty": nil, "no zip": []byte("hello"), "cut": honest[:len(honest)/2]} {
		if r := checkBundle(t, data); r.OK {
			t.Errorf("%s goes unnoticed", name)
		}
	}
}

// An incident is when the log does not verify: it can be bundled all the same.
func TestBundleOfATamperedLog(t *testing.T) {
	b := audittest.Segmented(t)
	b.Change(2, func(l []string) []string { l[1] = strings.Replace(l[1], `"ok"`, `"ko"`, 1); return l[:len(l)-1] })
	r := checkBundle(t, bundle(b))
	if !r.OK || r.Statement.Report.OK || r.Statement.Report.Problem.Kind != verify.Edited {
		t.Errorf("%+v", r)
	}
	empty := audittest.New(t)
	if _, err := WriteBundle(t.Context(), empty.Log, io.Discard, "x", nil); err == nil {
		t.Error("nothing was bundled")
	}
}

// After a prune and an accepted tampering the lines still lead on.
func TestBundleOfAMovedLog(t *testing.T) {
	b := audittest.Keeping(t)
	b.Change(b.Numbers()[3], func(l []string) []string { l[1] = "x\n"; return l })
	if _, err := verify.Accept(t.Context(), b.Log); err != nil {
		t.Fatal(err)
	}
	b.Add(3)
	if r := checkBundle(t, bundle(b)); !r.OK || !r.Statement.Report.OK {
		t.Errorf("%+v", r)
	}
}

// A bundle may come from anybody.
func FuzzBundle(f *testing.F) {
	b := audittest.New(f)
	b.Add(2)
	f.Add(bundle(b))
	f.Add([]byte("PK"))
	sig := audit.PublicKey(audittest.Key)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := CheckBundle(context.Background(), bytes.NewReader(data), int64(len(data)))
		if err == nil && r.OK && r.Statement.PublicKey == sig && r.Events != 2 {
			t.Fatalf("%+v", r)
		}
	})
}

// An export ends when its caller or its file does.
func TestExportStops(t *testing.T) {
	b := audittest.Segmented(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Write(ctx, b.Log, io.Discard, Options{Format: CSV}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Write(t.Context(), b.Log, full{}, Options{Format: CSV}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }
