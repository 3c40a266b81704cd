//go:build linux

package desktop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/godbus/dbus/v5"
)

const (
	secretsName   = "org.freedesktop.secrets"
	secretsPath   = dbus.ObjectPath("/org/freedesktop/secrets")
	secretsIface  = "org.freedesktop.Secret.Service"
	loginKeyring  = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	keyringSecret = "stagedoor" // guards a throwaway keyring
)

// keyringService tells the bus how to start the keyring. As on a real desktop a keyring that crashed, as gnome-keyring
// does now and then, is back with the next call. Unlike there it is unlocked at once, since nobody sits here.
const keyringService = `[D-BUS Service]
Name=` + secretsName + `
Exec=/bin/sh -c "test ! -e '%[1]s' && { echo started >> '%[2]s'; printf ` + keyringSecret + ` | exec gnome-keyring-daemon --foreground --unlock --components=secrets >> '%[2]s' 2>&1; }"
`

func (d *Desktop) keyringAway() string { return filepath.Join(d.dirs.top, "keyring-away") }
func (d *Desktop) keyringLog() string  { return filepath.Join(d.dirs.logs, "gnome-keyring.log") }

// startKeyring has the bus start gnome-keyring, and waits until its login keyring is unlocked.
func (d *Desktop) startKeyring(ctx context.Context) error {
	text := fmt.Sprintf(keyringService, d.keyringAway(), d.keyringLog())
	err := errors.Join(
		os.RemoveAll(d.keyringAway()),
		os.WriteFile(filepath.Join(d.dirs.services, secretsName+".service"), []byte(text), 0o600),
		d.bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.ReloadConfig", 0).Err,
		d.bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.StartServiceByName", 0, secretsName, uint32(0)).Err,
		poll(ctx, startTimeout, func() (bool, error) {
			locked, err := d.KeyringLocked()
			return err == nil && !locked, nil
		}))
	if err != nil {
		return fmt.Errorf("start gnome-keyring: %w\n%s", err, tail(d.keyringLog(), 1000))
	}
	return nil
}

var keyringStarted = regexp.MustCompile(`(?m)^started$`)

// KeyringStarts is how often the keyring was started: more than once, if it crashed.
func (d *Desktop) KeyringStarts() int {
	text, _ := os.ReadFile(d.keyringLog())
	return len(keyringStarted.FindAll(text, -1))
}

// KeyringLocked reports whether the login keyring is locked.
func (d *Desktop) KeyringLocked() (bool, error) {
	var locked bool
	err := d.property(secretsName, loginKeyring, "org.freedesktop.Secret.Collection.Locked", &locked)
	return locked, err
}

// LockKeyring locks the login keyring, as a screen lock may do.
func (d *Desktop) LockKeyring(ctx context.Context) error {
	var done []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := d.bus.Object(secretsName, secretsPath).
		CallWithContext(ctx, secretsIface+".Lock", 0, []dbus.ObjectPath{loginKeyring}).Store(&done, &prompt)
	if err != nil {
		return fmt.Errorf("lock keyring: %w", err)
	}
	return d.expectLocked(true)
}

// UnlockKeyring unlocks it again without the password dialog, by the interface that the login screen uses. After
// KillKeyring it brings the keyring back.
func (d *Desktop) UnlockKeyring(ctx context.Context) error {
	if !d.owned(secretsName) {
		return d.startKeyring(ctx)
	}
	service := d.bus.Object(secretsName, secretsPath)
	var output dbus.Variant
	var session dbus.ObjectPath
	err := service.CallWithContext(ctx, secretsIface+".OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&output, &session)
	if err != nil {
		return fmt.Errorf("unlock keyring: %w", err)
	}
	master := struct {
		Session     dbus.ObjectPath
		Parameters  []byte
		Value       []byte
		ContentType string
	}{session, nil, []byte(keyringSecret), "text/plain"}
	err = service.CallWithContext(ctx,
		"org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface.UnlockWithMasterPassword", 0, loginKeyring, master).Err
	if err != nil {
		return fmt.Errorf("unlock keyring: %w", err)
	}
	return d.expectLocked(false)
}

func (d *Desktop) expectLocked(want bool) error {
	locked, err := d.KeyringLocked()
	if err != nil {
		return fmt.Errorf("keyring state: %w", err)
	}
	if locked != want {
		return fmt.Errorf("keyring state: locked is %v, want %v", locked, want)
	}
	return nil
}

// SecretItem is what secret-tool, a program that knows nothing of this project, says of an item in the keyring.
type SecretItem struct {
	Label, Secret string
	Attributes    map[string]string
}

// SecretSearch lists the items with all the given attributes; none is no error.
func (d *Desktop) SecretSearch(ctx context.Context, attrs map[string]string) ([]SecretItem, error) {
	args := []string{"search", "--all"}
	for k, v := range attrs {
		args = append(args, k, v)
	}
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	// It prints labels and secrets on stdout and attributes on stderr.
	out, err := d.Command(ctx, "secret-tool", args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || len(strings.TrimSpace(string(out))) > 0) {
		return nil, fmt.Errorf("secret-tool search: %w: %s", err, out)
	}
	return parseSecretItems(string(out)), nil
}

func parseSecretItems(out string) []SecretItem {
	var items []SecretItem
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "[/") {
			items = append(items, SecretItem{Attributes: map[string]string{}})
			continue
		}
		key, value, ok := strings.Cut(line, " = ")
		if !ok || len(items) == 0 {
			continue
		}
		item := &items[len(items)-1]
		if name, isAttr := strings.CutPrefix(key, "attribute."); isAttr {
			item.Attributes[name] = value
			continue
		}
		switch key {
		case "label":
			item.Label = value
		case "secret":
			item.Secret = value
		}
	}
	return items
}

// KillKeyring kills the keyring's daemon and keeps it from being started again until UnlockKeyring is called.
func (d *Desktop) KillKeyring(ctx context.Context) error {
	if err := os.WriteFile(d.keyringAway(), nil, 0o600); err != nil {
		return fmt.Errorf("kill keyring: %w", err)
	}
	return d.CrashKeyring(ctx)
}

// CrashKeyring kills the keyring's daemon, which the next call starts again.
func (d *Desktop) CrashKeyring(ctx context.Context) error {
	var pid uint32
	var owner string
	bus := d.bus.BusObject()
	if err := errors.Join(
		bus.CallWithContext(ctx, "org.freedesktop.DBus.GetConnectionUnixProcessID", 0, secretsName).Store(&pid),
		bus.CallWithContext(ctx, "org.freedesktop.DBus.GetNameOwner", 0, secretsName).Store(&owner),
	); err != nil {
		return fmt.Errorf("kill keyring: %w", err)
	}
	if err := syscall.Kill(int(pid), syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill keyring: %w", err)
	}
	return poll(ctx, startTimeout, func() (bool, error) { return !d.owned(owner), nil }) // a connection's name is its own for ever
}

// Prompts is how often the user was asked to unlock the keyring.
func (d *Desktop) Prompts() int {
	d.monitor.mu.Lock()
	defer d.monitor.mu.Unlock()
	return d.monitor.prompts
}
