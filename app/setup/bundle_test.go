package setup

import (
	"archive/zip"
	"bytes"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

func bundleOf(t *testing.T, goos string, args ...string) (Bundle, error) {
	t.Helper()
	client, err := clients.Lookup("claude-desktop")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	configs, err := clients.New(clients.Params{Env: clients.Env{GOOS: goos, Home: map[bool]string{true: `C:\none`, false: "/none"}[goos == "windows"]}, Now: time.Now, BackupDir: dir, LockDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	entry := &clients.Entry{Command: "/usr/bin/stagedoor", Args: append([]string{"run"}, args...)}
	return Service{Params{Configs: configs}}.Bundle(Plan{Client: client, Change: clients.Change{Name: "notes", Entry: entry}}, nil, "1.2.3")
}

// What the format would put another text in place of is refused, since nothing quotes it.
func TestBundleRefusesItsOwnPlaceholders(t *testing.T) {
	if _, err := bundleOf(t, "linux", "--", "server", "${HOME}/notes"); err == nil || hint.Of(err) == "" {
		t.Errorf("with ${HOME} in an argument: %v", err)
	}
}

// The dialog speaks the user's language, and each has the server's name.
func TestBundleInEveryLanguage(t *testing.T) {
	for goos, program := range map[string]string{"darwin": "server/launch", "windows": "server/launch.cmd"} {
		b, err := bundleOf(t, goos, "--profile", "work", "--", "server")
		if err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(b.Data), int64(len(b.Data)))
		if err != nil {
			t.Fatal(err)
		}
		if f, err := r.Open(program); err != nil {
			t.Error(err)
		} else {
			_ = f.Close()
		}
		for _, locale := range []string{"en-US", "de", "es", "fr", "ja", "zh-CN"} {
			f, err := r.Open("locale/" + locale + ".json")
			if err != nil {
				t.Error(err)
				continue
			}
			var words map[string]string
			if err := json.UnmarshalRead(f, &words); err != nil {
				t.Error(err)
			}
			about := words["description"]
			for _, name := range []string{"notes", "work", "Stagedoor"} {
				if !bytes.Contains([]byte(about), []byte(name)) {
					t.Errorf("%s: %q does not name %s", locale, about, name)
				}
			}
		}
	}
}
