package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

const (
	littleRoom = 100 << 20 // bytes
	noRoom     = 2 << 20
)

// lookDisk looks whether there is room, and whether the audit log can be written.
func (d *Doctor) lookDisk(ctx context.Context) []Finding {
	if d.Keeper == nil {
		return []Finding{skipped("there is nothing to write yet")}
	}
	free, err := d.Free(d.State)
	fix := "make room on that disk: df -h " + setup.Quote(d.State)
	if err != nil {
		return []Finding{failed(Warn, "", err, fix)}
	}
	f := Finding{Status: OK, Why: fmt.Sprintf("%d MB are free", free/1e6)}
	switch unwritable := d.Keeper.LogWritable(ctx); {
	case free < noRoom:
		f.Status, f.Why, f.Fix = Fail, "the disk is full", fix
	case errors.Is(unwritable, context.DeadlineExceeded):
		f.Status, f.Why, f.Fix = Warn, fmt.Sprintf("the audit log was not written within %s", d.bound), "see what else writes there: stagedoor audit"
	case unwritable != nil:
		return []Finding{failed(Fail, "", unwritable, fix)}
	case free < littleRoom:
		f.Status, f.Fix = Warn, fix
		f.Why = "only " + f.Why
	}
	return []Finding{f}
}

// host is what shows tray icons, or why nothing does.
func (d *Doctor) host(ctx context.Context) (skip string, err error) {
	if d.GOOS != "linux" {
		return "it is part of the system", nil
	}
	return "", d.TrayHost(ctx)
}

// lookBus looks for the session bus, behind which the keychain is on Linux, as the tray
// and notifications are.
func (d *Doctor) lookBus(ctx context.Context) []Finding {
	skip, err := d.host(ctx)
	switch {
	case skip != "":
		return []Finding{skipped("there is none on this system")}
	case errors.Is(err, d.NoBus) && d.Vault == vault.File && !d.Display:
		return []Finding{skipped("there is none, and nothing here needs it")}
	case errors.Is(err, d.NoBus):
		return []Finding{failed(Fail, "", err, "")}
	case d.Keeper != nil && !d.FindsBus(): // a set-up notes where it is
		return []Finding{{Status: Warn, Why: "it is there, but not where a program finds it that is not told its address, and some clients tell nobody", Fix: "start Stagedoor from a session whose bus is a socket: systemctl --user status dbus"}}
	}
	return []Finding{{Status: OK, Why: "it is there, and clients' servers find it"}}
}

func (d *Doctor) lookTray(ctx context.Context) []Finding {
	skip, err := d.host(ctx)
	switch {
	case skip != "":
		return []Finding{skipped(skip)}
	case !d.Display:
		return []Finding{skipped("there is no display; stagedoor watch does the tray's work")}
	case errors.Is(err, d.NoBus):
		return []Finding{skipped("the session bus comes first")}
	case err != nil:
		return []Finding{failed(Warn, "", err, "")}
	}
	return []Finding{{Status: OK, Why: "something shows tray icons"}}
}

func (d *Doctor) lookNotifications(ctx context.Context) []Finding {
	skip, err := d.host(ctx)
	switch {
	case skip != "":
		return []Finding{skipped(skip)}
	case !d.Display:
		return []Finding{skipped("there is no display; stagedoor settings notifications.command hands alerts to a command")}
	case errors.Is(err, d.NoBus):
		return []Finding{skipped("the session bus comes first")}
	case !d.CanNotify():
		return []Finding{{Status: Warn, Why: "nothing on this desktop shows notifications: alerts are in the tray only", Fix: "install a notification service, for example: sudo apt install dunst"}}
	}
	return []Finding{{Status: OK, Why: "something shows them"}}
}
