package notify

import "github.com/gen2brain/beeep"

// native shows a message through beeep, which knows each system's way. Its
// urgent kind makes a sound, on Linux by ringing the terminal bell on standard
// output; a silent process shows the plain kind in its place.
func native(appName string, icon []byte, silent bool) func(Message) error {
	beeep.AppName = appName // a package variable there
	return func(m Message) error {
		if m.Urgency == Urgent && !silent {
			return beeep.Alert(m.Title, m.Body, icon)
		}
		return beeep.Notify(m.Title, m.Body, icon)
	}
}
