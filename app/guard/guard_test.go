package guard

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// before is a file as people have it: other servers, one of them with a secret, and the
// client's own preferences.
const before = `{
  "mcpServers": {
    "files": {"command": "/usr/bin/files", "args": ["/home/me"]},
    "my notes": {"command": "/usr/bin/notes", "args": [], "env": {"NOTES_TOKEN": "made-up-secret-of-notes"}},
    "web": {"url": "https://web.example/mcp"}
  },
  "preferences": {"theme": "dark"}
}
`

type sealer struct{ locked bool }

func (s *sealer) Seal(_ context.Context, w io.Writer, data []byte) error {
	if s.locked {
		return os.ErrPermission
	}
	return s.turn(w, data)
}

func (*sealer) turn(w io.Writer, data []byte) error {
	out := slices.Clone(data)
	for i := range out {
		out[i] ^= 0x55
	}
	_, err := w.Write(out)
	return err
}

func (s *sealer) Vouch(context.Context, []byte) (string, error) { return "", nil }

func (s *sealer) Unseal(_ context.Context, data []byte) ([]byte, error) {
	if s.locked {
		return nil, os.ErrPermission
	}
	var b bytes.Buffer
	err := s.turn(&b, data)
	return b.Bytes(), err
}

// keeper notes what is recorded.
type keeper struct{ events []string }

func (*keeper) LogWritable(context.Context) error { return nil }

func (k *keeper) Record(_ context.Context, _ profile.Profile, event, _ string, data map[string]any) {
	k.events = append(k.events, event+" "+data["entry"].(string))
}

type world struct {
	*testing.T
	*Guard
	client clients.Client
	path   string
	sealer *sealer
	keeper *keeper
	told   chan string
	mode   string
	began  time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{T: t, sealer: &sealer{}, keeper: &keeper{}, told: make(chan string, 100), mode: settings.GuardWipes}
	env := clients.Env{GOOS: runtime.GOOS, Home: filepath.Join(dir, "home")}
	configs, err := clients.New(clients.Params{
		Env: env, Now: time.Now, BackupDir: filepath.Join(dir, "state", "backups"), LockDir: filepath.Join(dir, "state", "locks"), Sealer: w.sealer,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Guard = New(Params{
		Dir: filepath.Join(dir, "state", "guard"), Configs: configs, Keeper: w.keeper, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Mode:   func() string { return w.mode },
		Began:  func(context.Context, clients.Client) (time.Time, bool) { return w.began, true },
		Notify: func(title, body string) { w.told <- title + ": " + body },
	})
	w.client, _ = clients.Lookup("")
	if w.path, err = w.client.Path(configs.Env); err != nil {
		t.Fatal(err)
	}
	w.write(before)
	w.setup("spotify", "work")
	return w
}

// setup writes an entry as `stagedoor setup` does.
func (w *world) setup(name, profile string) {
	w.Helper()
	entry := &clients.Entry{Command: filepath.Join(w.Configs.Env.Home, "stagedoor"), Args: []string{"run", "--profile", profile, "--", "server"}}
	ch, err := w.Configs.Plan(w.Context(), w.client, name, entry)
	if err == nil {
		_, err = w.Configs.Apply(w.Context(), ch)
	}
	if err == nil {
		err = w.See(w.Context(), w.client)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// remove takes an entry out as `stagedoor setup --remove` does.
func (w *world) remove(name string) {
	w.Helper()
	ch, err := w.Configs.Plan(w.Context(), w.client, name, nil)
	if err == nil {
		_, err = w.Configs.Apply(w.Context(), ch)
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) write(text string) {
	w.Helper()
	if err := os.MkdirAll(filepath.Dir(w.path), 0o700); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

func (w *world) read() string {
	data, _ := os.ReadFile(w.path) // none: nothing
	return string(data)
}

func (w *world) edit(old, text string) {
	w.Helper()
	now := w.read()
	if !strings.Contains(now, old) {
		w.Fatalf("%s is not in %s", old, now)
	}
	w.write(strings.Replace(now, old, text, 1))
}

// start runs the guard as the tray does, until the returned function is called.
func (w *world) start() (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error)
	go func() { done <- w.Watch(ctx) }()
	var once bool
	stop = func() {
		if cancel(); !once {
			once = true
			if err := <-done; err != nil {
				w.Error(err)
			}
		}
	}
	w.Cleanup(stop)
	return stop
}

// heard is the next notification.
func (w *world) heard() string {
	w.Helper()
	select {
	case told := <-w.told:
		return told
	case <-time.After(20 * time.Second):
		w.Fatalf("nothing was said; the file is %q", w.read())
		return ""
	}
}

// look has the guard look, as after a change.
func (w *world) look() {
	w.Helper()
	if err := w.check(w.Context(), w.client); err != nil {
		w.Fatal(err)
	}
}

func (w *world) quiet() {
	w.Helper()
	select {
	case told := <-w.told:
		w.Errorf("the user was told: %s", told)
	default:
	}
}

// ours as it is written, with whatever stands around it.
func (w *world) entry() string {
	w.Helper()
	at := strings.Index(w.read(), `"spotify"`)
	if at < 0 {
		w.Fatal("there is no entry")
	}
	return w.read()[at:]
}

// A client that loses its servers has them back before the user starts it again.
func TestWipes(t *testing.T) {
	for name, c := range map[string]struct {
		wipe   func(w *world)
		off    bool   // the tray is, meanwhile
		others bool   // they are back too
		keeps  string // is in the file afterwards
		asks   bool
	}{
		"a stub with preferences only":     {wipe: func(w *world) { w.write(`{"preferences": {"theme": "light"}}`) }, keeps: `{"theme": "light"}`},
		"mcpServers emptied":               {wipe: func(w *world) { w.write(`{"mcpServers": {}, "preferences": {"theme": "dark"}}`) }, keeps: `"theme": "dark"`},
		"the file deleted":                 {wipe: func(w *world) { _ = os.Remove(w.path) }, others: true, keeps: before[len(before)-40:]},
		"reset to {} at start":             {wipe: func(w *world) { w.write("{}") }},
		"zero-filled":                      {wipe: func(w *world) { w.write(strings.Repeat("\x00", len(before))) }, others: true},
		"our entry alone gone":             {wipe: func(w *world) { w.write(before) }, others: true, asks: true},
		"rewritten from an old copy":       {wipe: func(w *world) { w.began = time.Now().Add(-time.Hour); w.write(before) }, others: true},
		"an old copy that knows less":      {wipe: func(w *world) { w.write(`{"mcpServers": {"old": {"command": "/bin/old"}}}`) }, keeps: `"old"`},
		"wiped while the tray was off":     {wipe: func(w *world) { w.write(`{"preferences": {}}`) }, off: true},
		"deleted while the tray was off":   {wipe: func(w *world) { _ = os.Remove(w.path) }, off: true, others: true},
		"emptied, as by a crash":           {wipe: func(w *world) { w.write("") }, others: true},
		"replaced as clients write, by mv": {wipe: func(w *world) { w.replace("{}\n") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.off {
				c.wipe(w)
				w.start()
			} else {
				w.start()
				w.ready()
				c.wipe(w)
			}
			said := w.heard()
			switch now := w.read(); {
			case c.asks == strings.Contains(now, "spotify"):
				t.Errorf("asks is %v, and the file is %s", c.asks, now)
			case !strings.Contains(said, "spotify"):
				t.Errorf("the user heard %q", said)
			case !strings.Contains(now, c.keeps):
				t.Errorf("%q is not in %s", c.keeps, now)
			case c.others != strings.Contains(now, "made-up-secret-of-notes"):
				t.Errorf("the other servers: want %v, the file is %s", c.others, now)
			}
			if strings.Contains(said, "made-up") {
				t.Errorf("the notification has a secret: %s", said)
			}
			if open := w.Open(); (len(open) > 0) != (c.asks || !c.others) {
				t.Errorf("open: %v", open)
			}
		})
	}
}

// replace writes as clients do that write well.
func (w *world) replace(text string) {
	next := w.path + ".tmp"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	if err := os.Rename(next, w.path); err != nil {
		w.Fatal(err)
	}
}

// ready waits until the guard watches: what it did not see before is looked at.
func (w *world) ready() {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); runtime.Gosched() {
		w.mu.Lock()
		n := len(w.files)
		w.mu.Unlock()
		if n > 0 {
			return
		}
	}
	w.Fatal("the guard does not watch")
}

// What a person does to the file stays as it is, and nobody is asked about it.
func TestEdits(t *testing.T) {
	for name, edit := range map[string]func(w *world){
		"reformatted": func(w *world) {
			w.write(strings.Join(strings.Fields(w.read()), " "))
		},
		"another entry added":      func(w *world) { w.edit(`"files": {`, `"new": {"command": "/bin/new"}, "files": {`) },
		"another entry removed":    func(w *world) { w.edit(`    "files": {"command": "/usr/bin/files", "args": ["/home/me"]},`+"\n", "") },
		"all other entries gone":   func(w *world) { w.write(`{"mcpServers": {` + w.entry()) },
		"renamed":                  func(w *world) { w.edit(`"spotify"`, `"music"`) },
		"renamed, other arguments": func(w *world) { w.edit(`"spotify"`, `"music"`); w.edit(`"work"`, `"home"`) },
		"other arguments":          func(w *world) { w.edit(`"work"`, `"home"`) },
		"without Stagedoor":        func(w *world) { w.edit(`"run"`, `"serve"`) },
		"comments":                 func(w *world) { w.edit(`"preferences"`, "// mine\n\"preferences\"") },
		"preferences changed":      func(w *world) { w.edit(`"dark"`, `"light"`) },
		"preferences gone":         func(w *world) { w.edit(",\n  \"preferences\": {\"theme\": \"dark\"}", "") },
		"a byte order mark":        func(w *world) { w.write("\xef\xbb\xbf" + w.read()) },
		"line ends of Windows":     func(w *world) { w.write(strings.ReplaceAll(w.read(), "\n", "\r\n")) },
		"UTF-16":                   func(w *world) { w.write("\xff\xfe{\x00}\x00") },
		"half written":             func(w *world) { w.write(w.read()[:80]) },
		"disabled": func(w *world) {
			w.edit(`"command": "`+w.Configs.Env.Home, `"disabled": true, "command": "`+w.Configs.Env.Home)
		},
		"removed through Stagedoor":                       func(w *world) { w.remove("spotify") },
		"removed through Stagedoor, and the rest by hand": func(w *world) { w.remove("spotify"); w.write("{}") },
		"a link in its place": func(w *world) {
			elsewhere := filepath.Join(w.Configs.Env.Home, "dotfiles.json")
			if err := os.Rename(w.path, elsewhere); err != nil {
				w.Fatal(err)
			}
			if err := os.Symlink(elsewhere, w.path); err != nil {
				w.Skip("no links here:", err)
			}
		},
		"the whole folder moved": func(w *world) {
			if err := os.Rename(filepath.Dir(w.path), filepath.Dir(w.path)+".old"); err != nil {
				w.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			edit(w)
			was := w.read()
			w.look()
			w.look()
			if now := w.read(); now != was {
				t.Errorf("the file was changed to %s", now)
			}
			w.quiet()
		})
	}
}

// A file that was moved is put nowhere again without a question.
func TestMoved(t *testing.T) {
	for name, to := range map[string]string{"beside": "config.bak", "away": "../../backup.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.start()
			w.ready()
			if err := os.Rename(w.path, filepath.Join(filepath.Dir(w.path), to)); err != nil {
				t.Fatal(err)
			}
			if said := w.heard(); !strings.Contains(said, "put back, or leave out") || w.read() != "" {
				t.Errorf("heard %q, the file is %q", said, w.read())
			}
		})
	}
}
