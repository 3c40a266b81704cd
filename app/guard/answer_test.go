package guard

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/settings"
)

func (w *world) missing() (list []string) {
	for _, l := range w.Open() {
		list = append(list, l.Entries...)
	}
	slices.Sort(list)
	return list
}

// What the user takes out by hand is asked about once, and the answer is remembered.
func TestTheAnswerIsRemembered(t *testing.T) {
	w := newWorld(t)
	w.write(before)
	w.look()
	if said := w.heard(); !strings.Contains(said, "lost spotify") {
		t.Errorf("heard %q", said)
	}
	w.edit("dark", "light")
	w.look()
	w.quiet()
	if err := w.Leave(t.Context(), w.client.ID); err != nil {
		t.Fatal(err)
	}
	w.write("{}")
	w.look()
	w.quiet()
	if now := w.read(); now != "{}" || len(w.Open()) > 0 {
		t.Errorf("open: %v, the file is %s", w.Open(), now)
	}
	w.setup("spotify", "work")
	w.write("{}")
	w.look()
	if !strings.Contains(w.read(), "spotify") {
		t.Error("an entry that was set up again is not watched over")
	}
}

func TestPutBack(t *testing.T) {
	w := newWorld(t)
	w.write(before)
	w.look()
	if _, err := w.PutBack(t.Context(), w.client.ID); err != nil {
		t.Fatal(err)
	}
	if now := w.read(); !strings.Contains(now, "spotify") || !strings.Contains(now, `"web": {"url": "https://web.example/mcp"}`) || len(w.Open()) > 0 {
		t.Errorf("open: %v, the file is %s", w.Open(), now)
	}
}

// The others' entries come back if the user says so, with their secrets and as they were,
// and not before.
func TestOthersComeBackOnAWord(t *testing.T) {
	w := newWorld(t)
	w.write(`{"preferences": {"theme": "light"}}`)
	w.look()
	if diff := cmp.Diff([]string{"files", "my notes", "web"}, w.missing()); diff != "" {
		t.Fatal(diff)
	}
	w.edit("light", "blue") // which must not push the copy out
	w.look()
	if _, err := w.PutBack(t.Context(), w.client.ID); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"spotify", `{"command": "/usr/bin/notes", "args": [], "env": {"NOTES_TOKEN": "made-up-secret-of-notes"}}`, `{"url": "https://web.example/mcp"}`, "blue"} {
		if !strings.Contains(w.read(), want) {
			t.Errorf("%s is not in %s", want, w.read())
		}
	}
	if open := w.Open(); len(open) > 0 {
		t.Errorf("open: %v", open)
	}
}

// What was lost twice is still there to be put back, and what is to stay away is not in
// the copy that a file which is deleted next comes back from.
func TestOthersOutlastASecondWipe(t *testing.T) {
	for _, leave := range []bool{false, true} {
		w := newWorld(t)
		for range 2 {
			w.write("{}")
			w.look()
			w.heard()
		}
		if diff := cmp.Diff([]string{"files", "my notes", "web"}, w.missing()); diff != "" {
			t.Fatal(diff)
		}
		if leave {
			if err := w.Leave(t.Context(), w.client.ID); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.look()
		if now := w.read(); !strings.Contains(now, "spotify") || strings.Contains(now, "notes") == leave || len(w.Open()) > 0 {
			t.Errorf("leave: %v, open: %v, the file is %s", leave, w.Open(), now)
		}
	}
}

// A client that wipes its file whenever it is put back is not fought, and named.
func TestThreeTimesAndNoMore(t *testing.T) {
	w := newWorld(t)
	for range restores {
		w.write("{}")
		w.look()
		w.heard()
	}
	w.write("{}")
	w.look()
	if said := w.heard(); !strings.Contains(said, "Claude Desktop has wiped its config 4 times") {
		t.Errorf("heard %q", said)
	}
	for range 3 {
		w.write("{ }")
		w.look()
	}
	w.quiet()
	if strings.Contains(w.read(), "spotify") {
		t.Error("it was put back once more")
	}
	if _, err := w.PutBack(t.Context(), w.client.ID); err != nil {
		t.Fatal(err)
	}
	w.write("{}")
	w.look()
	if !strings.Contains(w.read(), "spotify") {
		t.Error("it is not put back again after the user's word")
	}
}

func TestTheSetting(t *testing.T) {
	w := newWorld(t)
	w.mode = settings.GuardAsk
	w.write("{}")
	w.look()
	w.heard()
	if w.read() != "{}" || len(w.missing()) != 4 {
		t.Errorf("open: %v, the file is %s", w.Open(), w.read())
	}
	if diff := cmp.Diff([]string{"config_drift spotify"}, w.keeper.events); diff != "" {
		t.Error(diff)
	}
	w.mode = settings.GuardOff
	w.look()
	if left, _ := os.ReadDir(w.Dir); len(left) > 0 {
		t.Errorf("a guard that is off remembers %v", left)
	}
}

// A wipe is in the log, and so is that the entry is back, which calms the alarm.
func TestTheLogKnows(t *testing.T) {
	w := newWorld(t)
	w.write("{}")
	w.look()
	if diff := cmp.Diff([]string{"config_drift spotify", "client_config_written spotify"}, w.keeper.events); diff != "" {
		t.Error(diff)
	}
}

// A set-up in a project's file, which nothing watches, must not push out what is known of
// the user's own.
func TestProjectsAreNotMistakenForTheUsersFile(t *testing.T) {
	w := newWorld(t)
	w.client, _ = clients.Lookup("claude-code")
	w.path, _ = w.client.Path(w.Configs.Env)
	w.write(before)
	w.setup("spotify", "work")
	project, err := w.client.In(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	user := w.client
	w.client = project
	w.setup("spotify", "home")
	w.client = user
	w.write("{}")
	w.look()
	if !strings.Contains(w.read(), "spotify") {
		t.Error("the user's file is not watched over any more")
	}
}

// The secrets of others are in no file of ours, also while the keychain is locked, and a
// restore that needs them waits for a word.
func TestSecretsStaySealed(t *testing.T) {
	w := newWorld(t)
	w.edit(`"files"`, `"more"`)
	w.sealer.locked = true
	if err := w.check(t.Context(), w.client); err == nil {
		t.Error("a copy was made without a key")
	}
	w.write("{}")
	w.look()
	w.heard()
	if open := w.Open(); len(open) != 1 || open[0].Why != Failed || w.read() != "{}" {
		t.Errorf("open: %v, the file is %s", open, w.read())
	}
	w.sealer.locked = false
	if _, err := w.PutBack(t.Context(), w.client.ID); err != nil || !strings.Contains(w.read(), "spotify") {
		t.Errorf("%v, the file is %s", err, w.read())
	}
	files, err := filepath.Glob(filepath.Join(w.Dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if data, err := os.ReadFile(f); err != nil || strings.Contains(string(data), "made-up") {
			t.Errorf("%s: %v, %s", f, err, data)
		}
	}
}

// A client that takes its time is waited for, and the entry is back within a second of
// its last write.
func TestAWriterIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.ready()
	f, err := os.Create(w.path)
	if err != nil {
		t.Fatal(err)
	}
	text := `{"preferences": {"theme": "` + strings.Repeat("x", 4000) + `"}}`
	for part := range slices.Chunk([]byte(text), 100) {
		if _, err := f.Write(part); err != nil {
			t.Fatal(err)
		}
		select { // a slow one
		case said := <-w.told:
			t.Fatalf("while the client writes: %s", said)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	w.heard()
	t.Logf("back after %v", time.Since(began))
	if !strings.HasPrefix(w.read(), text[:40]) || !strings.Contains(w.read(), "spotify") {
		t.Errorf("the file is %s", w.read())
	}
}

// A client that is set up while the guard runs is watched, too.
func TestANewClientIsFollowed(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.ready()
	w.client, _ = clients.Lookup("cursor")
	w.path, _ = w.client.Path(w.Configs.Env)
	w.setup("spotify", "work")
	for end := time.Now().Add(20 * time.Second); ; { // until its folder is watched
		w.write("{}")
		select {
		case said := <-w.told:
			if !strings.Contains(said, "Cursor") || !strings.Contains(w.read(), "spotify") {
				t.Errorf("heard %q, the file is %s", said, w.read())
			}
			return
		case <-time.After(time.Second):
		}
		if time.Now().After(end) {
			t.Fatal("it is not watched")
		}
	}
}

// The setting counts as soon as it is changed, by whichever process: what is there when the
// guard is turned on is watched over, though nobody touched the file since.
func TestTheSettingCountsAtOnce(t *testing.T) {
	w := newWorld(t)
	store := settings.Open(filepath.Join(filepath.Dir(w.Dir), settings.FileName), time.UTC)
	w.Guard.Settings, w.Guard.Mode = store.Path(), func() string { s, _ := store.Settings(); return s.Guarding() }
	set := func(mode string) {
		if _, err := store.Set(t.Context(), "guard", mode); err != nil {
			t.Fatal(err)
		}
	}
	until := func(remembers bool) {
		for exists(w.base(w.client)+memoryFile) != remembers {
			select {
			case <-w.Changed():
			case <-time.After(20 * time.Second):
				t.Fatalf("after %s it does not do so", w.Mode())
			}
		}
	}
	set(settings.GuardOff)
	w.start()
	until(false)
	set(settings.GuardWipes)
	until(true)
	w.write("{}")
	if told := w.heard(); !strings.Contains(told, "Stagedoor put spotify back") {
		t.Errorf("it says %q", told)
	}
}
