//go:build !(linux || freebsd || netbsd || openbsd || dragonfly)

package notify

import "github.com/gen2brain/beeep"

// native shows a message through beeep, which knows each system's way.
func native(appName string, icon []byte) func(Message) error {
	beeep.AppName = appName // a package variable there
	return func(m Message) error {
		if m.Urgency == Urgent {
			return beeep.Alert(m.Title, m.Body, icon)
		}
		return beeep.Notify(m.Title, m.Body, icon)
	}
}

// CanShow reports whether there is somebody to show a notification: wherever a
// user is signed in, here.
func CanShow() bool { return true }
