package platform

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// registryDouble is a registry in memory.
type registryDouble map[string][]byte

func (r registryDouble) Get(key, name string) ([]byte, error) { return r[key+`\`+name], nil }

func (r registryDouble) SetText(key, name, text string) error {
	r[key+`\`+name] = []byte(text)
	return nil
}

func (r registryDouble) SetExpandable(key, name, text string) error {
	return r.SetText(key, name, text)
}

func (r registryDouble) Delete(key, name string) error {
	delete(r, key+`\`+name)
	return nil
}

// What was switched on is on, names the program as it is, and is gone when it is off.
// What the user switched off in the desktop's own settings is off, and comes back when
// it is switched on here.
func TestAutostart(t *testing.T) {
	name := `a "b" & <c> $d`
	if runtime.GOOS == "windows" {
		name = "a & $d"
	}
	program := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for goos, system := range map[string]struct {
		place   string // in the home
		turnOff func(t *testing.T, a Autostart)
		off     string
	}{
		"linux":   {".config/autostart/app.stagedoor.Stagedoor.desktop", replaceIn("X-GNOME-Autostart-enabled=true", "X-GNOME-Autostart-enabled=false"), "settings of the desktop"},
		"freebsd": {".config/autostart/app.stagedoor.Stagedoor.desktop", replaceIn("Terminal=", "Hidden=true\nTerminal="), "Hidden"},
		"darwin":  {"Library/LaunchAgents/app.stagedoor.Stagedoor.plist", replaceIn("<key>Label</key>", "<key>Disabled</key><true/><key>Label</key>"), "Disabled"},
		"windows": {"", func(_ *testing.T, a Autostart) {
			a.Registry.(registryDouble)[approvedKey+`\`+runName] = []byte{3, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}
		}, "Task Manager"},
	} {
		t.Run(goos, func(t *testing.T) {
			home := t.TempDir()
			a := Autostart{GOOS: goos, Home: home, Getenv: env(nil), Program: program, Registry: registryDouble{}}
			place := filepath.Join(home, filepath.FromSlash(system.place))
			if goos == "windows" {
				place = `HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Run`
			}
			want := func(what string, s AutostartState) {
				t.Helper()
				got, err := a.State()
				s.Place = place
				if diff := cmp.Diff(s, got); err != nil || diff != "" {
					t.Errorf("%s: %v\n%s", what, err, diff)
				}
			}
			set := func(on bool) {
				t.Helper()
				if err := a.Set(on); err != nil {
					t.Fatal(err)
				}
			}
			want("before", AutostartState{})
			set(false)
			set(true)
			want("switched on", AutostartState{On: true, Program: program})
			system.turnOff(t, a)
			got, err := a.State()
			if err != nil || got.On || got.Program != program || !strings.Contains(got.Off, system.off) {
				t.Errorf("switched off elsewhere: %+v, %v", got, err)
			}
			set(true)
			want("and on again", AutostartState{On: true, Program: program})
			aside := program + ".aside"
			if err := os.Rename(program, aside); err != nil {
				t.Fatal(err)
			}
			want("without the program", AutostartState{Program: program, Off: "the program is not there"})
			if err := os.Rename(aside, program); err != nil {
				t.Fatal(err)
			}
			set(false)
			want("switched off", AutostartState{})
			if len(a.Registry.(registryDouble)) > 0 {
				t.Errorf("left in the registry: %v", a.Registry)
			}
			if _, err := os.Lstat(place); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is left: %v", place, err)
			}
		})
	}
}

func replaceIn(old, text string) func(t *testing.T, a Autostart) {
	return func(t *testing.T, a Autostart) {
		t.Helper()
		data, err := os.ReadFile(a.Place())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(a.Place(), []byte(strings.Replace(string(data), old, text, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A folder for settings that is no absolute path is none.
func TestAutostartPlace(t *testing.T) {
	for config, want := range map[string]string{"/cfg": "/cfg/autostart", "cfg": "/home/ada/.config/autostart", "": "/home/ada/.config/autostart"} {
		a := Autostart{GOOS: "linux", Home: "/home/ada", Getenv: env(map[string]string{"XDG_CONFIG_HOME": config})}
		if got := filepath.ToSlash(filepath.Dir(a.Place())); filepath.IsAbs(want) && got != want {
			t.Errorf("%q: %s, want %s", config, got, want)
		}
	}
}

// What the system reads is in its own words: an entry whose quoting a desktop does not
// take starts nothing, and says nothing of it.
func TestAutostartFiles(t *testing.T) {
	a := Autostart{Program: `/opt/a "b" & $c/stagedoor`}
	if want := `Exec="/opt/a \\"b\\" & \\$c/stagedoor"` + "\n"; !strings.Contains(a.desktopEntry(), want) {
		t.Errorf("want %s:\n%s", want, a.desktopEntry())
	}
	agent := xml.NewDecoder(strings.NewReader(a.agent()))
	for {
		_, err := agent.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v:\n%s", err, a.agent())
		}
	}
}

// A desktop that does not understand the path would start nothing, and say nothing.
func TestAutostartRefusesWhatDesktopsCannotStart(t *testing.T) {
	a := Autostart{GOOS: "linux", Home: t.TempDir(), Getenv: env(nil), Program: "/opt/100%/stagedoor"}
	if err := a.Set(true); hint.Of(err) == "" {
		t.Errorf("%v", err)
	}
	if s, err := a.State(); err != nil || s.On || s.Program != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

// Somebody's link in the place of the entry is theirs.
func TestAutostartLeavesALink(t *testing.T) {
	home := t.TempDir()
	a := Autostart{GOOS: "linux", Home: home, Getenv: env(nil), Program: "/usr/bin/stagedoor"}
	target := filepath.Join(home, "dotfiles")
	if err := errors.Join(os.MkdirAll(filepath.Dir(a.Place()), 0o700), os.WriteFile(target, []byte("theirs"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, a.Place()); err != nil {
		t.Skip(err)
	}
	if err := a.Set(true); err == nil {
		t.Error("it was written through")
	}
	if data, err := os.ReadFile(target); err != nil || string(data) != "theirs" {
		t.Errorf("%q, %v", data, err)
	}
}
