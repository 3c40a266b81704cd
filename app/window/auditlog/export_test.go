//go:build !lean

package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/app/window/windowtest"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Format, file name and Return: an export needs no mouse, and nobody else may
// read it.
func TestExport(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	v, f := open(t, 30)
	v.filter.search.SetText("3f9a")
	v.export.open()
	if v.host.Window.Canvas().Focused() != v.export.path || v.details.box.Visible() {
		t.Fatal("the form does not open")
	}
	if !v.export.only.Checked {
		t.Error("the filters are not offered")
	}
	home, _ := os.UserHomeDir()
	want := filepath.Join(home, "stagedoor-audit-20261122-150405.jsonl")
	if v.export.path.Text != want {
		t.Errorf("the form offers %q, want %q", v.export.path.Text, want)
	}
	v.export.kind.SetSelectedIndex(1)
	want = strings.TrimSuffix(want, ".jsonl") + ".csv"
	if v.export.path.Text != want {
		t.Errorf("after choosing a table the form offers %q", v.export.path.Text)
	}
	v.export.path.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if made := f.Made("export"); len(made) != 1 || made[0] != "export csv" {
		t.Errorf("calls: %q", made)
	}
	info, err := os.Stat(want)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if message, more := v.host.Notice.Text(); message != "30 events exported" || more != want {
		t.Errorf("notice says %q, %q", message, more)
	}
	if !windowtest.Shows(v.export.box, "Open its folder") {
		t.Error("the way to the file is not offered")
	}
	v.export.path.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if !v.details.box.Visible() || v.host.Window.Canvas().Focused() != v.table {
		t.Error("Esc does not lead back")
	}
}

func TestBundleIsTheWholeLog(t *testing.T) {
	v, _ := open(t, 30)
	v.filter.search.SetText("no such thing")
	v.export.open()
	v.export.kind.SetSelectedIndex(3)
	if !v.export.only.Disabled() {
		t.Error("a bundle seems to follow the filters")
	}
	v.export.path.SetText(filepath.Join(t.TempDir(), "b.zip"))
	test.Tap(v.export.start)
	if message, _ := v.host.Notice.Text(); message != "30 events exported" {
		t.Errorf("notice says %q", message)
	}
}

// A failure leaves no half file behind, and an older file is never replaced.
func TestExportThatFails(t *testing.T) {
	v, f := open(t, 3)
	dir := t.TempDir()
	v.export.open()
	path := filepath.Join(dir, "log.jsonl")
	v.export.path.SetText(path)
	v.export.write = func(_ context.Context, w io.Writer, _ string, _ audit.Query) (int, error) {
		_, _ = w.Write([]byte("half"))
		return 1, hint.Wrap(errors.New("the disk is full"), "make room")
	}
	test.Tap(v.export.start)
	if _, more := v.host.Notice.Text(); more != "Make room" {
		t.Errorf("notice says %q", more)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.WriteFile(path, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	v.export.write = export(f)
	test.Tap(v.export.start)
	if message, _ := v.host.Notice.Text(); !strings.HasSuffix(message, "exists already") {
		t.Errorf("notice says %q", message)
	}
	v.export.path.SetText("log.jsonl")
	test.Tap(v.export.start)
	if message, _ := v.host.Notice.Text(); !strings.Contains(message, "not a full path") {
		t.Errorf("notice says %q", message)
	}
	v.export.close()
	if windowtest.Shows(v.export.box, "Export the log") {
		t.Error("the form stays")
	}
}

// export writes a line for each event that q selects.
func export(f *keepertest.Fake) Export {
	return func(ctx context.Context, w io.Writer, format string, q audit.Query) (n int, err error) {
		f.Set(func() { f.Calls = append(f.Calls, "export "+format) })
		events, err := f.Events(ctx, q)
		for _, e := range slices.Backward(events) {
			if _, err := fmt.Fprintln(w, e.Seq); err != nil {
				return n, err
			}
			n++
		}
		return n, err
	}
}
