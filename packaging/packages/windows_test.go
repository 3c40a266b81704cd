//go:build e2e && wine

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	virtual "github.com/stagedoor-app/stagedoor/packaging/desktop"
)

const windowsOut = "../../out/windows"

// machine is a Windows of its own: a prefix of Wine on a virtual desktop, with a user.
type machine struct {
	*virtual.Desktop
	t    *testing.T
	home string // of the user, as Linux has it
	env  []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	d, err := virtual.Start(t.Context(), virtual.Options{NoKeyring: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			_ = d.Screenshot(context.Background(), "../../out/pictures/windows-failed.png")
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	prefix := filepath.Join(t.TempDir(), "wine")
	// Neither .NET nor a browser's engine is wanted, whose installation Wine would offer.
	m := &machine{Desktop: d, t: t, env: []string{"WINEPREFIX=" + prefix, "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml="}}
	m.wine(0, "wineboot", "-i")
	t.Cleanup(func() { _ = m.command(context.Background(), "wineserver", "-k", "-w").Run() })
	library := filepath.Join(prefix, "drive_c", "windows", "system32", "bcryptprimitives.dll")
	says(t, 0, "x86_64-w64-mingw32-gcc", "-shared", "-O2", "-s", "-o", library, "testdata/bcryptprimitives.c", "-ladvapi32")
	users, err := filepath.Glob(filepath.Join(prefix, "drive_c", "users", "*", "AppData"))
	if err != nil || len(users) != 1 {
		t.Fatalf("users: %v, %v", users, err)
	}
	m.home = filepath.Dir(users[0])
	return m
}

func (m *machine) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := m.Command(ctx, name, args...)
	cmd.Env = append(cmd.Env, m.env...)
	return cmd
}

// wine runs a program of Windows to its end, which must have the status.
func (m *machine) wine(status int, line ...string) string { return m.wineIn("", status, line...) }

func (m *machine) wineIn(stdin string, status int, line ...string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := m.command(ctx, "wine", line...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != status {
		m.t.Fatalf("%s: %v, want status %d\n%s", strings.Join(line, " "), err, status, out.String())
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

// program is an installed one, as Windows names it.
func (m *machine) program(name string) string {
	return `C:\users\` + filepath.Base(m.home) + `\AppData\Local\Programs\Stagedoor\` + name
}

func (m *machine) installed(name string) string {
	return filepath.Join(m.home, "AppData", "Local", "Programs", "Stagedoor", name)
}

// stagedoor runs the installed command line, which must succeed.
func (m *machine) stagedoor(args ...string) string {
	m.t.Helper()
	return m.wine(0, append([]string{m.program("stagedoor.exe")}, args...)...)
}

// values is a key of the registry below HKEY_CURRENT_USER, or "" if there is none.
func (m *machine) values(key string) string {
	m.t.Helper()
	out, err := m.command(m.t.Context(), "wine", "reg", "query", `HKCU\`+key).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

func (m *machine) has(what, text, want string) {
	m.t.Helper()
	if !strings.Contains(text, want) {
		m.t.Errorf("%s: no %q in\n%s", what, want, text)
	}
}

func (m *machine) files() map[string]bool {
	m.t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(m.home, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && !strings.Contains(path, "/Temp/") {
			found[path] = true
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return found
}

// until waits for something that takes a few seconds here.
func (m *machine) until(what string, so func() bool) {
	m.t.Helper()
	for late := time.After(time.Minute); !so(); {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-late:
			m.t.Fatalf("after a minute still not: %s", what)
		}
	}
}

func (m *machine) setup(args ...string) {
	m.t.Helper()
	found, err := filepath.Glob(filepath.Join(windowsOut, "*-setup.exe"))
	if err != nil || len(found) != 1 {
		m.t.Fatalf("%v, %v: run make windows first", found, err)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		m.t.Fatal(err)
	}
	m.wine(0, append([]string{path, "/S"}, args...)...)
}

const (
	uninstallKey = `Software\Microsoft\Windows\CurrentVersion\Uninstall\Stagedoor`
	runKey       = `Software\Microsoft\Windows\CurrentVersion\Run`
	toastKey     = `Software\Classes\AppUserModelId\Stagedoor`
)

// A user of Windows installs it, starts it, signs in, sets up both of Claude's
// installations, runs a server, upgrades and leaves, without a trace and without being
// administrator.
func TestWindowsRoundTrip(t *testing.T) {
	m := newMachine(t)
	before := m.files()
	m.setup("/AUTOSTART")
	m.has("the list of apps", m.values(uninstallKey), "QuietUninstallString")
	m.has("the start at login", m.values(runKey), m.program("stagedoor-window.exe"))
	m.has("the user's PATH", m.values("Environment"), filepathDir(m.program("x")))
	m.has("who notifications are from", m.values(toastKey), "stagedoor.png")
	m.has("the command line", m.stagedoor("version"), "windows/amd64")
	m.has("autostart", m.stagedoor("autostart"), "on: ")

	// From the icon, where the parent is Explorer: the tray, and the second time its window.
	window := func() bool {
		list, err := m.Windows(t.Context())
		return err == nil && strings.Contains(titles(list), "Stagedoor")
	}
	start := func() {
		t.Helper()
		cmd := m.command(t.Context(), "wine", "explorer", m.program("stagedoor-window.exe"))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	}
	start()
	m.until("a first start opens the welcome window", window)
	m.picture("windows-welcome.png")
	m.has("quit", m.stagedoor("quit"), "the tray is closed")
	m.until("its window closes", func() bool { return !window() })
	m.until("its icon goes", func() bool { return !m.trayRuns() })

	// An account by the browser, and a key, in the Credential Manager.
	server, err := authserver.Start(context.Background(), authserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	browser := filepath.Join(t.TempDir(), "browser")
	says(t, 0, "go", "build", "-C", "../..", "-o", browser, "./packaging/authserver/fakebrowser")
	m.env = append(m.env, "FAKEBROWSER_ACCOUNT=ada")
	m.wine(0, "reg", "add", `HKCU\Software\Wine\WineBrowser`, "/v", "Browsers", "/d", browser)
	m.stagedoor("create-profile", "work", "--provider", "oidc", "--issuer", server.Issuer, "--client-id", authserver.PublicClientID)
	m.has("the login", m.stagedoor("login", "work"), "signed in as Ada")
	m.wineIn("made-up-0123456789abcdef", 0, m.program("stagedoor.exe"), "create-profile", "key", "--provider", "api-key", "--client-secret-stdin")
	m.has("the vault", m.stagedoor("profiles"), "keychain")

	// Claude from its own installer, and then from the Store.
	classic := filepath.Join(m.home, "AppData", "Roaming", "Claude")
	store := filepath.Join(m.home, "AppData", "Local", "Packages", "Claude_pzs8sxrjxfjjc", "LocalCache", "Roaming", "Claude")
	for i, folder := range []string{classic, store} {
		if i > 0 { // the other was removed, with what it had
			if err := os.RemoveAll(classic); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		m.stagedoor("setup", "--no-check", "--env", "API_TOKEN={access_token}", "--", `C:\windows\system32\cmd.exe`, "/c", "set")
		config, err := os.ReadFile(filepath.Join(folder, "claude_desktop_config.json"))
		if err != nil {
			t.Fatal(err)
		}
		m.has("the entry in "+folder, string(config), `Programs\\Stagedoor\\stagedoor.exe"`)
	}
	token := strings.TrimSpace(m.stagedoor("token", "work"))
	m.has("the server", m.stagedoor("run", "--profile", "work", "--env", "API_TOKEN={access_token}", "--", `C:\windows\system32\cmd.exe`, "/c", "set", "API_TOKEN"), "API_TOKEN="+token)

	// An upgrade finds the tray open, and opens it again.
	start()
	m.choose(54, "windows-tray.png")
	m.until("the audit log opens", window)
	m.picture("windows-audit.png")
	m.setup()
	m.until("the tray runs again", m.trayRuns)
	m.has("after the upgrade", m.stagedoor("profiles"), "Ada")

	m.wine(0, m.program("uninstall.exe"), "/S", "/ACCOUNTS", "_?="+filepathDir(m.program("x")))
	if tokens := m.values(`Software\Wine\Credential Manager`); strings.Contains(tokens, "stagedoor") {
		t.Errorf("left in the Credential Manager:\n%s", tokens)
	}
	for _, key := range []string{uninstallKey, toastKey} {
		if left := m.values(key); left != "" {
			t.Errorf("left in the registry:\n%s", left)
		}
	}
	if left := m.values(runKey) + m.values("Environment"); strings.Contains(left, "Stagedoor") {
		t.Errorf("left in the registry:\n%s", left)
	}
	for path := range m.files() {
		// The uninstaller, which removes itself unless it is told where it runs.
		if !before[path] && path != m.installed("uninstall.exe") {
			t.Errorf("left: %s", path)
		}
	}
}

// icon is where Wine shows the tray's icon in the panel.
func (m *machine) icon() (x, y int, there bool) {
	out, err := m.command(m.t.Context(), "xwininfo", "-root", "-tree").Output()
	at := regexp.MustCompile(`"explorer\.exe"\) +(?:1[6-9]|[2-4][0-9])x\d+\+\d+\+\d+ +\+(\d+)\+(\d+)`).FindSubmatch(out)
	if err != nil || at == nil {
		return 0, 0, false
	}
	x, _ = strconv.Atoi(string(at[1]))
	y, _ = strconv.Atoi(string(at[2]))
	return x + 8, y + 8, true
}

func (m *machine) trayRuns() bool { _, _, there := m.icon(); return there }

// choose opens the tray's menu with the right mouse button, takes a picture, and clicks
// what stands so many pixels above its lower edge.
func (m *machine) choose(above int, picture string) {
	m.t.Helper()
	var menu []string
	open := func() bool {
		out, err := m.command(m.t.Context(), "xwininfo", "-root", "-tree").Output()
		// It ends above the icon, and is as wide as its words.
		menu = regexp.MustCompile(`"stagedoor-window\.exe"\) +([23]\d\d)x(1\d\d|2\d\d)\+(\d+)\+(\d+)`).FindStringSubmatch(string(out))
		return err == nil && menu != nil
	}
	// The panel moves an icon when it has just got it, and a click beside it opens nothing.
	m.until("a click on the icon opens the menu", func() bool {
		x, y, there := m.icon()
		if !there || m.MoveTo(m.t.Context(), x, y) != nil {
			return false
		}
		says(m.t, 0, "env", m.display(), "xdotool", "click", "3")
		for range 30 {
			if open() {
				return true
			}
			time.Sleep(100 * time.Millisecond)
		}
		return false
	})
	m.picture(picture)
	n := func(i int) int { v, _ := strconv.Atoi(menu[i]); return v }
	if err := m.Click(m.t.Context(), n(3)+n(1)/4, n(4)+n(2)-above); err != nil {
		m.t.Fatal(err)
	}
}

// picture waits until nothing moves, and looks.
func (m *machine) picture(name string) {
	m.t.Helper()
	_, err := m.Still(m.t.Context(), virtual.Area{Width: 1280, Height: 760}, time.Second)
	if err == nil {
		err = m.Screenshot(m.t.Context(), filepath.Join("../../out/pictures", name))
	}
	if err != nil {
		m.t.Error(err)
	}
}

func (m *machine) display() string {
	for _, v := range m.Env() {
		if strings.HasPrefix(v, "DISPLAY=") {
			return v
		}
	}
	return ""
}

func filepathDir(windows string) string { return windows[:strings.LastIndexByte(windows, '\\')] }

func titles(list []virtual.Window) string {
	var all []string
	for _, w := range list {
		all = append(all, w.Title)
	}
	return strings.Join(all, "\n")
}

// The same programs give the same installer, whenever they were built.
func TestWindowsInstallerIsTheSame(t *testing.T) {
	var made [2]string
	for i := range made {
		from := t.TempDir()
		for _, name := range []string{"stagedoor.exe", "stagedoor-window.exe"} {
			data, err := os.ReadFile(filepath.Join(windowsOut, name))
			if err != nil {
				t.Fatalf("%v: run make windows first", err)
			}
			path, built := filepath.Join(from, name), time.Unix(int64(1e9+i*1e6), 0)
			if err := errors.Join(os.WriteFile(path, data, 0o700), os.Chtimes(path, built, built)); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(t.TempDir(), "stagedoor-0.1.0-setup.exe")
		saysIn(t, append(os.Environ(), "SOURCE_DATE_EPOCH=1763700000"), 0, "makensis", "-V2", "-WX", "-DVERSION=0.1.0", "-DFROM="+from, "-DOUT="+out, "windows/installer.nsi")
		made[i] = sum(t, out)
	}
	if made[0] != made[1] {
		t.Errorf("the installers differ: %v", made)
	}
}

func sum(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// Programs and installer can be signed, and say who they are.
func TestWindowsSigned(t *testing.T) {
	dir := t.TempDir()
	key, cert, p12, password := filepath.Join(dir, "key"), filepath.Join(dir, "cert"), filepath.Join(dir, "p12"), filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("made-up"), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, 0, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Stagedoor test", "-addext", "extendedKeyUsage=codeSigning", "-keyout", key, "-out", cert)
	says(t, 0, "openssl", "pkcs12", "-export", "-inkey", key, "-in", cert, "-passout", "file:"+password, "-out", p12)
	program := filepath.Join(dir, "stagedoor.exe")
	data, err := os.ReadFile(filepath.Join(windowsOut, "stagedoor.exe"))
	if err != nil {
		t.Fatalf("%v: run make windows first", err)
	}
	if err := os.WriteFile(program, data, 0o700); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "WINDOWS_P12="+p12, "WINDOWS_P12_PASSWORD_FILE="+password)
	saysIn(t, env, 0, "windows/build.sh", "--sign", program)
	if said := says(t, 0, "osslsigncode", "verify", "-CAfile", cert, "-in", program); !strings.Contains(said, "Signature verification: ok") {
		t.Errorf("the signature:\n%s", said)
	}
}
