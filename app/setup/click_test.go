package setup

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// fakeKeeper has one profile of Spotify.
type fakeKeeper struct {
	Keeper
	command string          // that starts the server; /bin/sh if empty
	server  *profile.Server // remembered
	before  *profile.Server
}

func (k fakeKeeper) Profile(name string) (profile.Profile, error) {
	if name != "" && name != "work" {
		return profile.Profile{}, profile.ErrNotFound
	}
	if k.before != nil {
		return profile.Profile{ID: "1", Name: "work", Provider: "spotify", Server: k.before}, nil
	}
	if k.server != nil && k.server.Command != nil {
		return profile.Profile{ID: "1", Name: "work", Provider: "spotify", Server: k.server}, nil
	}
	return profile.Profile{ID: "1", Name: "work", Provider: "spotify", Server: &profile.Server{As: "spotify-mcp", Command: []string{cmp.Or(k.command, "/bin/sh"), "server"}}}, nil
}

func (k fakeKeeper) ProfileFor(string) (profile.Profile, error) { return k.Profile("") }

func (fakeKeeper) LogWritable(context.Context) error { return nil }

func (fakeKeeper) Seal(_ context.Context, w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}
func (fakeKeeper) Unseal(_ context.Context, sealed []byte) ([]byte, error) { return sealed, nil }
func (fakeKeeper) Vouch(context.Context, []byte) (string, error)           { return "", nil }
func (fakeKeeper) KeepEntry(context.Context, string, []byte, string) error { return nil }

func (k fakeKeeper) RememberServer(_ context.Context, _ string, server profile.Server) error {
	if k.server != nil {
		*k.server = server
	}
	return nil
}

func (fakeKeeper) Record(context.Context, profile.Profile, string, string, map[string]any) {}

func service(t *testing.T, home string) Service {
	t.Helper()
	configs, err := clients.New(clients.Params{
		Env: clients.Env{GOOS: "linux", Home: home}, Now: time.Now, BackupDir: filepath.Join(home, "backups"), LockDir: filepath.Join(home, "locks"),
	})
	if err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(t.TempDir(), "stagedoor")
	script := "#!/bin/sh\n" + answering("initialize", `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"theirs"}}}`)
	if err := os.WriteFile(self, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return Service{Params{Keeper: fakeKeeper{server: &profile.Server{}}, Configs: configs, Executable: func() (string, error) { return self, nil }}}
}

// A click that nobody asked about changes no entry that somebody else wrote, and an
// answer counts for the entry that was asked about alone.
func TestClickAsksBeforeItChangesWhatIsNotOurs(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "python3"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	own := `{"command":"` + bin + `/python3","args":["-m","spotify_mcp.server"],"env":{"DEBUG":"mine"}}`
	for name, c := range map[string]struct {
		entry, asks string // of the config, and what the question says
		writes      string // what the config has after the answer
	}{
		"nothing there":                 {"", "", `"spotify"`},
		"starts a server":               {own, "starts python3 without Stagedoor\nStagedoor would start it with the tokens of work", `"mine"`},
		"starts none":                   {`{"url":"https://mcp.example.com"}`, "starts no program here\nit would be replaced", `"run"`},
		"of a server that nobody knows": {strings.Replace(own, "spotify_mcp", "own", 1), "", ""},
		"ours, of another server":       {`{"command":"/opt/stagedoor","args":["run","--provider","spotify","--as","spotify-mcp","--","/bin/sh","old"]}`, "starts another server already: old for spotify\nit would be replaced by server for spotify, with the tokens of work", `"server"`},
		"ours, of the same server":      {`{"command":"/old/stagedoor","args":["run","--provider","spotify","--as","spotify-mcp","--","/usr/bin/sh","-v","server@1.2"]}`, "", `"server"`},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			file := filepath.Join(home, ".config", "Claude", "claude_desktop_config.json")
			before := "{}"
			if c.entry != "" {
				before = `{"mcpServers":{"spotify":` + c.entry + `}}`
			}
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(before), 0o600)); err != nil {
				t.Fatal(err)
			}
			s := service(t, home)
			content := func() string {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}

			asks := s.Asks(t.Context())
			if (asks == "") != (c.asks == "") || !strings.Contains(asks, c.asks) {
				t.Fatalf("it asks %q", asks)
			}
			if asks != "" {
				for _, agreed := range []string{"", strings.Replace(asks, "spotify", "other", 1)} {
					if _, err := s.Click(t.Context(), agreed); !errors.As(err, &Question{}) || content() != before {
						t.Fatalf("agreed to %q: %v, and the file has\n%s", agreed, err, content())
					}
				}
			}
			message, err := s.Click(t.Context(), asks)
			if c.writes == "" {
				if err == nil || content() != before {
					t.Errorf("%q, %v, and the file has\n%s", message, err, content())
				}
				return
			}
			if err != nil || !strings.Contains(content(), c.writes) || !strings.Contains(content(), "/stagedoor\"") {
				t.Fatalf("%q, %v, and the file has\n%s", message, err, content())
			}
			if asks = s.Asks(t.Context()); asks != "" {
				t.Errorf("done, and it still asks %q", asks)
			}
			if !strings.Contains(message, "start it again") || !strings.Contains(message, "spotify: 0 tools, ") {
				t.Errorf("it does not say what to do: %q", message)
			}
		})
	}
}

// The demonstration sends nobody to the Claude Desktop that is really there.
func TestClickInTheDemonstration(t *testing.T) {
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".config", "Claude"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := service(t, home)
	s.Elsewhere = true
	message, err := s.Click(t.Context(), "")
	if err != nil || strings.Contains(message, "start it again") || !strings.Contains(message, home) || !strings.Contains(message, "your own Claude Desktop is as it was") {
		t.Errorf("%q, %v", message, err)
	}
}

// A server whose program is not here is set up, and said not to start.
func TestClickForAProgramThatIsNotHere(t *testing.T) {
	s := service(t, t.TempDir())
	s.Keeper = fakeKeeper{command: "nowhere-mcp"}
	message, err := s.Click(t.Context(), "")
	if err != nil || !strings.Contains(message, "Cannot find nowhere-mcp here: the server does not start before that is mended") {
		t.Errorf("%q, %v", message, err)
	}
}

// Where Claude Desktop never ran it has nothing now, and cannot be quit.
func TestClickWithoutClaude(t *testing.T) {
	message, err := service(t, t.TempDir()).Click(t.Context(), "")
	if err != nil || strings.Contains(message, "now") || !strings.Contains(message, "has not been started by this user yet") || strings.Contains(message, "does not start") {
		t.Errorf("%q, %v", message, err)
	}
}

// A click whose server does not start does not say that all is well, and is no change
// that failed either.
func TestClickSaysThatTheServerDoesNotStart(t *testing.T) {
	home := t.TempDir()
	s := service(t, home)
	s.Executable = func() (string, error) { return "/bin/false", nil }
	works := profile.Server{As: "spotify-mcp", Command: []string{"/bin/sh", "works"}}
	keeper := fakeKeeper{server: &profile.Server{}, before: &works}
	s.Keeper = keeper
	_, err := s.Click(t.Context(), "")
	if !reflect.DeepEqual(works, *keeper.server) {
		t.Errorf("what is remembered is %+v", *keeper.server)
	}
	unwell := (*NotStarting)(nil)
	if !errors.As(err, &unwell) || !strings.Contains(err.Error(), "the entry is written, but spotify does not start: ") || hint.Of(err) == "" {
		t.Fatalf("%v, hint %q", err, hint.Of(err))
	}
	if text, err := os.ReadFile(filepath.Join(home, ".config", "Claude", "claude_desktop_config.json")); err != nil || !strings.Contains(string(text), "/bin/false") {
		t.Errorf("the entry is not there: %s, %v", text, err)
	}
}
