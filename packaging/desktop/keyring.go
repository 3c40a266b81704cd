//go:build linux

package desktop

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	secretsName   = "org.freedesktop.secrets"
	secretsPath   = dbus.ObjectPath("/org/freedesktop/secrets")
	secretsIface  = "org.freedesktop.Secret.Service"
	loginKeyring  = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	keyringSecret = "stagedoor" // guards a throwaway keyring
)

// startKeyring runs gnome-keyring with an unlocked login keyring.
func (d *Desktop) startKeyring(ctx context.Context) error {
	p, err := d.spawn("gnome-keyring", strings.NewReader(keyringSecret), nil,
		"gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	if err != nil {
		return err
	}
	return d.await(ctx, p, func() bool {
		if !d.owned(secretsName) {
			return false
		}
		locked, err := d.KeyringLocked()
		return err == nil && !locked
	})
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

// UnlockKeyring unlocks it again without the password dialog, by the interface that the login screen uses. A daemon
// that crashed, as gnome-keyring does under many clients that are killed, is started again.
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

// KillKeyring kills the keyring's daemon, as a crash does.
func (d *Desktop) KillKeyring(ctx context.Context) error {
	var pid uint32
	if err := d.bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetConnectionUnixProcessID", 0, secretsName).Store(&pid); err != nil {
		return fmt.Errorf("kill keyring: %w", err)
	}
	if err := syscall.Kill(int(pid), syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill keyring: %w", err)
	}
	for d.owned(secretsName) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// Prompts is how often the user was asked to unlock the keyring.
func (d *Desktop) Prompts() int {
	d.monitor.mu.Lock()
	defer d.monitor.mu.Unlock()
	return d.monitor.prompts
}
