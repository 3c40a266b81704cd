package platform

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

const (
	// AppID is the app's name where a system or a desktop wants one that is unique.
	AppID = "app.stagedoor.Stagedoor"
	// runKey and approvedKey are below HKEY_CURRENT_USER: what starts, and what the
	// Task Manager and the Settings app say about it.
	runKey      = `Software\Microsoft\Windows\CurrentVersion\Run`
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
	runName     = "Stagedoor"
)

// Autostart is the place where a system looks for what to start when this user logs in.
// All fields are required, Registry only on Windows.
type Autostart struct {
	GOOS, Home string
	Getenv     func(string) string
	// Program is the absolute path of what is to be started.
	Program  string
	Registry Registry
}

// Registry is HKEY_CURRENT_USER. A value that is missing is nil.
type Registry interface {
	Get(key, name string) ([]byte, error)
	SetText(key, name, text string) error
	SetExpandable(key, name, text string) error // in which %VARIABLES% count
	Delete(key, name string) error              // of what is missing, too
}

// AutostartState is what the system has noted.
type AutostartState struct {
	On      bool   `json:"on"`
	Program string `json:"program,omitempty"` // that is started, or would be
	Place   string `json:"place"`             // the file or the registry's key
	// Off says why what is noted is not started, or "".
	Off string `json:"off,omitempty"`
}

// Place is the file, or the key, that the system reads.
func (a Autostart) Place() string {
	switch a.GOOS {
	case "windows":
		return `HKEY_CURRENT_USER\` + runKey
	case "darwin":
		return filepath.Join(a.Home, "Library", "LaunchAgents", AppID+".plist")
	}
	config := a.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(config) { // as the specification has it
		config = filepath.Join(a.Home, ".config")
	}
	return filepath.Join(config, "autostart", AppID+".desktop")
}

// Set has the tray started at the next login, also where the user switched that off in
// the desktop's own settings before, or not any more.
func (a Autostart) Set(on bool) error {
	if a.GOOS == "windows" {
		if err := a.Registry.Delete(approvedKey, runName); err != nil {
			return err
		}
		if !on {
			return a.Registry.Delete(runKey, runName)
		}
		return a.Registry.SetText(runKey, runName, `"`+a.Program+`"`)
	}
	place := a.Place()
	if !on {
		if err := os.Remove(place); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	if a.GOOS != "darwin" && strings.ContainsAny(a.Program, "%\n\r") { // GLib looks for %% as it is written
		return hint.Wrap(fmt.Errorf("desktops cannot start a program whose path has a %% or a line break: %q", a.Program), "put it into another folder")
	}
	if err := os.MkdirAll(filepath.Dir(place), durable.DirMode); err != nil {
		return err
	}
	text := a.desktopEntry()
	if a.GOOS == "darwin" {
		text = a.agent()
	}
	err := durable.WriteFile(place, []byte(text), 0o644)
	if info, missing := os.Lstat(place); missing == nil && !info.Mode().IsRegular() {
		return hint.Wrap(err, "it is not a file of Stagedoor's: move it away, or change it where it leads")
	}
	return err
}

// State reads what the system has noted.
func (a Autostart) State() (AutostartState, error) {
	s := AutostartState{Place: a.Place()}
	if a.GOOS == "windows" {
		command, err := a.Registry.Get(runKey, runName)
		if err != nil || command == nil {
			return s, err
		}
		s.Program = strings.Trim(string(command), `"`)
		approved, err := a.Registry.Get(approvedKey, runName)
		if len(approved) > 0 && approved[0]&1 != 0 {
			s.Off = "switched off in the Task Manager or the Settings of Windows"
		}
		return s.ifThere(), err
	}
	data, err := durable.ReadLinked(s.Place, 64<<10)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if a.GOOS == "darwin" {
		s.Program = html.UnescapeString(cmp.Or(firstGroup(`<key>ProgramArguments</key>\s*<array>\s*<string>([^<]*)`, data), firstGroup(`<key>Program</key>\s*<string>([^<]*)`, data)))
		if firstGroup(`<key>Disabled</key>\s*<(true)/>`, data) != "" {
			s.Off = "switched off by the key Disabled"
		}
	} else {
		exec := firstGroup(`(?m)^Exec\s*=\s*(.*?)\s*$`, data)
		s.Program = strings.NewReplacer(`\\"`, `"`, `\\$`, `$`, "\\\\`", "`", `\\\\`, `\`).Replace(strings.Trim(exec, `"`))
		switch {
		case firstGroup(`(?m)^Hidden\s*=\s*(true)\s*$`, data) != "":
			s.Off = "switched off by the key Hidden, which the settings of a desktop write"
		case firstGroup(`(?m)^X-GNOME-Autostart-enabled\s*=\s*(false)\s*$`, data) != "":
			s.Off = "switched off in the settings of the desktop"
		}
	}
	return s.ifThere(), nil
}

// ifThere is the state of what is noted, which systems pass over where the program is
// gone.
func (s AutostartState) ifThere() AutostartState {
	if _, err := os.Stat(s.Program); err != nil && s.Off == "" {
		s.Off = "the program is not there"
	}
	s.On = s.Off == ""
	return s
}

func firstGroup(expr string, data []byte) string {
	if m := regexp.MustCompile(expr).FindSubmatch(data); m != nil {
		return string(m[1])
	}
	return ""
}

// desktopEntry quotes the program as the Desktop Entry specification wants it: as an
// argument first, then as a string of the file.
func (a Autostart) desktopEntry() string {
	argument := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`).Replace(a.Program)
	return `[Desktop Entry]
Type=Application
Version=1.4
Name=Stagedoor
Comment=Keep the accounts of MCP servers in the system's keychain
Exec="` + strings.ReplaceAll(argument, `\`, `\\`) + `"
TryExec=` + strings.ReplaceAll(a.Program, `\`, `\\`) + `
Icon=` + AppID + `
Terminal=false
X-GNOME-Autostart-enabled=true
`
}

// agent is for launchd, which starts it when the user logs in at the screen.
func (a Autostart) agent() string {
	var program bytes.Buffer
	_ = xml.EscapeText(&program, []byte(a.Program)) // a buffer takes all
	return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + AppID + `</string>
	<key>ProgramArguments</key>
	<array>
		<string>` + program.String() + `</string>
	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>LimitLoadToSessionType</key>
	<string>Aqua</string>
	<key>ProcessType</key>
	<string>Interactive</string>
</dict>
</plist>
`
}
