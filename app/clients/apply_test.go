//go:build unix

package clients

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func TestApplyMakesTheFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "claude-desktop")
	ch := w.plan("our", &shortEntry)
	if !ch.FolderMissing || ch.Exists || ch.Action != Create || len(ch.Warnings) != 1 {
		t.Errorf("plan: %+v", ch)
	}
	if _, err := os.Stat(filepath.Dir(w.path())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Plan made the folder: %v", err)
	}
	if backup := w.apply(ch); backup != "" {
		t.Errorf("backup %q of nothing", backup)
	}
	if got := w.read(); got != string(ch.After) {
		t.Errorf("written %q, planned %q", got, ch.After)
	}
	for path, want := range map[string]fs.FileMode{w.path(): 0o600, filepath.Dir(w.path()): 0o700} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	w.write("{}")
	if ch := w.plan("our", &shortEntry); ch.FolderMissing || !ch.Exists {
		t.Errorf("plan for a started client: %+v", ch)
	}
}

// What somebody else puts among the copies gets into no client's config.
func TestForgedCopyIsNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "claude-desktop")
	w.write(`{"mcpServers": {}}`)
	copies := filepath.Join(w.BackupDir, "claude-desktop")
	if err := os.MkdirAll(copies, 0o700); err != nil {
		t.Fatal(err)
	}
	forged := filepath.Join(copies, "20990101T000000.000Z.json")
	if err := os.WriteFile(forged, []byte(`{"mcpServers": {"evil": {"command": "/tmp/evil"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.apply(w.plan("our", &shortEntry))
	if got := w.read(); strings.Contains(got, "evil") || !strings.Contains(got, shortEntry.Command) {
		t.Errorf("written: %s", got)
	}
}

func TestApplyBacksUpAndKeepsTheMode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "claude-desktop")
	const before = "{\n  \"mcpServers\": {}\n}"
	w.write(before)
	if err := os.Chmod(w.path(), 0o640); err != nil {
		t.Fatal(err)
	}
	backup := w.apply(w.plan("our", &shortEntry))
	if want := filepath.Join(w.BackupDir, "claude-desktop", "20260304T050607.089Z.json"); backup != want {
		t.Errorf("backup %q, want %q", backup, want)
	}
	data, err := os.ReadFile(backup)
	if err != nil || string(data) != before {
		t.Errorf("backup has %q, %v", data, err)
	}
	for path, want := range map[string]fs.FileMode{w.path(): 0o640, backup: 0o600, filepath.Dir(backup): 0o700, w.BackupDir: 0o700, w.LockDir: 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	if backup = w.apply(w.plan("our", nil)); !strings.HasSuffix(backup, "090Z.json") {
		t.Errorf("second backup in the same millisecond: %q", backup)
	}
	if w.read() != before {
		t.Errorf("after removal %q", w.read())
	}
	for _, ch := range []Change{w.plan("our", nil), w.plan("a", nil)} {
		if backup = w.apply(ch); backup != "" {
			t.Errorf("backup %q though nothing was written", backup)
		}
	}
	if diff := cmp.Diff([]string{"20260304T050607.089Z.json", "20260304T050607.090Z.json"}, w.backups()); diff != "" {
		t.Errorf("backups (-want +got):\n%s", diff)
	}
	noLeftovers(t, filepath.Dir(w.path()), 1)
}

// A config in a dotfiles repository stays a link, also when its target does
// not exist yet.
func TestApplyFollowsSymlinks(t *testing.T) {
	t.Parallel()
	for _, exists := range []bool{true, false} {
		w := newWorld(t, "cursor")
		target := filepath.Join(w.home, "dotfiles", "mcp.json")
		w.write("")
		if err := os.Remove(w.path()); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../dotfiles/mcp.json", w.path()); err != nil {
			t.Fatal(err)
		}
		if exists {
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(target, []byte("{}"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		ch := w.plan("our", &shortEntry)
		w.apply(ch)
		if info, err := os.Lstat(w.path()); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("the link is gone: %v, %v", info, err)
		}
		if data, err := os.ReadFile(target); err != nil || string(data) != string(ch.After) {
			t.Errorf("target has %q, %v", data, err)
		}
	}
}

func TestNotRegularIsRefused(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(path string) error{
		"folder": func(path string) error { return os.Mkdir(path, 0o755) },
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"loop":   func(path string) error { return os.Symlink(path, path) },
		"device": func(path string) error { return os.Symlink("/dev/zero", path) },
	} {
		w := newWorld(t, "claude-code")
		if err := make(w.path()); err != nil {
			t.Fatal(err)
		}
		_, err := w.Plan(context.Background(), w.client, "our", &shortEntry)
		if err == nil || hint.Of(err) == "" || (name != "loop" && !errors.Is(err, durable.ErrNotRegular)) {
			t.Errorf("%s: %v, hint %q", name, err, hint.Of(err))
		}
	}
}

// What the user agreed to is what happens, or nothing does.
func TestApplyAfterSomebodyElseWrote(t *testing.T) {
	t.Parallel()
	const before = `{"mcpServers": {"our": {"command": "/old", "args": []}}}`
	for _, tc := range []struct {
		name, now, want string
		e               *Entry
		conflict        bool
	}{
		{"another entry", `{"x": 1, "mcpServers": {"our": {"command": "/old", "args": []}, "b": {}}}`, `{"x": 1, "mcpServers": {"our": {"command": "/s", "args": ["run"]}, "b": {}}}`, &shortEntry, false},
		{"our entry", `{"mcpServers": {"our": {"command": "/new", "args": []}}}`, "", &shortEntry, true},
		{"our entry, removal", `{"mcpServers": {"our": {"command": "/new", "args": []}}}`, "", nil, true},
		{"our entry is gone", `{"mcpServers": {}}`, "", &shortEntry, true},
		{"our entry is gone, removal", `{"mcpServers": {}}`, `{"mcpServers": {}}`, nil, false},
		{"already done", `{"mcpServers": {"our": {"command":"/s","args":["run"]}}}`, `{"mcpServers": {"our": {"command":"/s","args":["run"]}}}`, &shortEntry, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "gemini")
			w.write(before)
			ch := w.plan("our", tc.e)
			w.write(tc.now)
			_, err := w.Apply(context.Background(), ch)
			if errors.Is(err, ErrConflict) != tc.conflict || (err != nil) != tc.conflict {
				t.Fatalf("Apply: %v", err)
			}
			want := tc.want
			if tc.conflict {
				want = tc.now
				if hint.Of(err) == "" {
					t.Errorf("%v has no hint", err)
				}
			}
			if diff := cmp.Diff(want, w.read()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The client takes no lock: it may write between our reading and our writing.
// The clock is asked in between, so it plays the client.
func TestApplyKeepsWhatTheClientWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "claude-desktop")
	w.write(`{"mcpServers": {}}`)
	wrote := 0
	w.Now = func() time.Time {
		if wrote++; wrote <= 2 {
			w.write(`{"mcpServers": {}, "theirs": ` + strings.Repeat("1", wrote) + `}`)
		}
		return fixedClock()
	}
	w.apply(w.plan("our", &shortEntry))
	if got, want := w.read(), `{"mcpServers": {"our": {"command": "/s", "args": ["run"]}}, "theirs": 11}`; got != want {
		t.Errorf("file %s, want %s", got, want)
	}

	w.Now = func() time.Time {
		wrote++
		w.write(`{"mcpServers": {}, "theirs": ` + strings.Repeat("1", wrote) + `}`)
		return fixedClock()
	}
	w.write("{}")
	_, err := w.Apply(context.Background(), w.plan("our", &shortEntry))
	if err == nil || !strings.Contains(hint.Of(err), "quit Claude Desktop") || strings.Contains(w.read(), "our") {
		t.Errorf("Apply against a client that never stops: %v, file %s", err, w.read())
	}
}

func TestApplyWhenTheFileBroke(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "gemini")
	w.write("{}")
	ch := w.plan("our", &shortEntry)
	w.write(`{"half`)
	_, err := w.Apply(context.Background(), ch)
	if _, ok := errorsAsRefused(err); !ok || w.read() != `{"half` {
		t.Errorf("Apply: %v, file %q", err, w.read())
	}
}

func TestApplyRefusesAnEditedChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "gemini")
	w.write("{}")
	for name, edit := range map[string]func(*Change){
		"after":  func(c *Change) { c.After = []byte(`{"evil": 1}`) },
		"path":   func(c *Change) { c.Path = filepath.Join(w.home, ".bashrc") },
		"client": func(c *Change) { c.Client = "nano" },
		"name":   func(c *Change) { c.Name = "a b" },
	} {
		ch := w.plan("our", &shortEntry)
		edit(&ch)
		if _, err := w.Apply(context.Background(), ch); err == nil || w.read() != "{}" {
			t.Errorf("%s: %v, file %q", name, err, w.read())
		}
	}
}

func TestApplyDoesNotAliasTheCallersEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "gemini")
	e := Entry{Command: "/s", Args: []string{"run"}, Env: map[string]string{"A": "1"}}
	ch := w.plan("our", &e)
	e.Args[0], e.Env["A"] = "x", "x"
	w.apply(ch)
	got, err := w.entries()
	want := map[string]Entry{"our": {Command: "/s", Args: []string{"run"}, Env: map[string]string{"A": "1"}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Entry{})); diff != "" || err != nil {
		t.Errorf("(-want +got), %v:\n%s", err, diff)
	}
}

func TestReadOnlyFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "gemini")
	w.write("{}")
	if err := os.Chmod(w.path(), 0o400); err != nil {
		t.Fatal(err)
	}
	_, err := w.Apply(context.Background(), w.plan("our", &shortEntry))
	if !errors.Is(err, ErrReadOnly) || hint.Of(err) == "" || w.read() != "{}" {
		t.Errorf("Apply: %v, file %q", err, w.read())
	}
	noLeftovers(t, filepath.Dir(w.path()), 1)
}

// Whoever cannot write hears what is in the way.
func TestAccessIsExplained(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err      error
		says     string
		readOnly bool
	}{
		{syscall.EROFS, "mounted read-only", true},
		{syscall.ENOSPC, "free some space", false},
		{syscall.EPERM, "protected against changes", false},
		{syscall.EACCES, "check who owns", false},
		{syscall.EIO, "nothing was changed", false},
	} {
		err := explainAccess(&fs.PathError{Op: "open", Path: "/f", Err: c.err}, "/f")
		if !errors.Is(err, c.err) || errors.Is(err, ErrReadOnly) != c.readOnly || !strings.Contains(hint.Of(err), c.says) {
			t.Errorf("%v, hint %q", err, hint.Of(err))
		}
	}
}

func TestApplyWaitsForTheLockNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "gemini")
	w.write("{}")
	if _, err := durable.EnsureDir(w.LockDir); err != nil {
		t.Fatal(err)
	}
	lock, err := durable.TryAcquire(filepath.Join(w.LockDir, "client-gemini.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = w.Apply(ctx, w.plan("our", &shortEntry))
	if !errors.Is(err, durable.ErrLocked) || hint.Of(err) == "" || w.read() != "{}" {
		t.Errorf("Apply: %v, file %q", err, w.read())
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "gemini")
	w.write("{}")
	ch := w.plan("our", &shortEntry)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, planErr := w.Plan(ctx, w.client, "our", &shortEntry)
	_, applyErr := w.Apply(ctx, ch)
	for _, err := range []error{planErr, applyErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want cancelled", err)
		}
	}
	if w.read() != "{}" {
		t.Errorf("file %q", w.read())
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, client, before, want string }{
		{"Claude Desktop and a comment", "claude-desktop", "{} // x", "resets such a file"},
		{"Claude Desktop and a trailing comma", "claude-desktop", `{"a": 1,}`, "resets such a file"},
		{"Cursor and a comment", "cursor", "{} // x", "may not read"},
		{"Zed and a comment", "zed", "{} // x", ""},
		{"no comment", "claude-desktop", `{"a": "// x"}`, ""},
		{"somebody else's entry", "claude-desktop", `{"mcpServers": {"our": {"command": "/x"}}}`, "not Stagedoor's"},
		{"a remote entry", "claude-desktop", `{"mcpServers": {"our": {"url": "/x"}}}`, "not Stagedoor's"},
		{"our entry", "claude-desktop", `{"mcpServers": {"our": {"command": "/stagedoor", "args": ["run"]}}}`, ""},
		{"nothing to do", "claude-desktop", `{"mcpServers": {"our": {"command": "/s", "args": ["run"]},}}`, ""},
	} {
		got := strings.Join(change(t, tc.client, tc.before, &shortEntry).Warnings, "\n")
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// An entry of others is read as the clients read it: of two with one name the
// last counts, and what is no stdio server is none.
func TestEntriesOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "vscode")
	w.write(`// mine
	{"servers": {
		"z/1~": {"command": "/usr/bin/stagedoor", "args": ["run", "--", "x",], "env": {"A": "b"}, "type": "stdio"},
		"remote": {"type": "http", "url": "https://x"},
		"odd": {"command": "/x", "args": 7},
		"twice": {"command": "/1", "command": "/2"},
		"number": 3,
	}}`)
	got, err := w.entries()
	want := map[string]Entry{
		"z/1~":  {Command: "/usr/bin/stagedoor", Args: []string{"run", "--", "x"}, Env: map[string]string{"A": "b"}},
		"twice": {Command: "/2"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Entry{})); diff != "" || err != nil {
		t.Errorf("(-want +got), %v:\n%s", err, diff)
	}
}

// noLeftovers says that dir has that many files: no temporary one was left.
func noLeftovers(t *testing.T, dir string, want int) {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != want {
		t.Errorf("%s has %v, %v, want %d files", dir, found, err, want)
	}
}
