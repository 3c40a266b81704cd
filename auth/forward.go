package auth

import (
	"context"
	"errors"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// forwardItem has the command that alerts are handed to. It is in the vault, because
// whoever can write the settings file must not be able to have a program run.
const forwardItem = "notify/command"

// maxCommand bounds the command, in bytes.
const maxCommand = 4 << 10

// ForwardCommand returns the line for the system's shell that each new alert is handed
// to as JSON on standard input, or "".
func (k *Keeper) ForwardCommand(ctx context.Context) (string, error) {
	line, err := k.vault.Get(ctx, forwardItem)
	if errors.Is(err, vault.ErrNotFound) {
		return "", nil
	}
	return line.Reveal(), err
}

// SetForwardCommand replaces it; "" is none. The log says that there is another one,
// and not which: it may have an address in it.
func (k *Keeper) SetForwardCommand(ctx context.Context, line string) error {
	if len(line) > maxCommand || text.Line(line, maxCommand) != line {
		return hint.Usage("the command is longer than a line, or has characters in it that cannot be seen", "put it into a script, and name that")
	}
	if err := k.LogWritable(ctx); err != nil {
		return err
	}
	var err error
	if line == "" {
		err = k.vault.Delete(ctx, forwardItem)
	} else {
		err = k.vault.Set(ctx, forwardItem, secret.String(line))
	}
	if err == nil {
		k.record(ctx, profile.Profile{}, audit.SettingsChanged, audit.OK, map[string]any{"key": "notifications.command", "set": line != "", "weaker": false})
	}
	return err
}
