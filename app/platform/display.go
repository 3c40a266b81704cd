// Package platform is where the app meets the operating system: the display, the
// program's own place, and the one tray per user. What a Keeper needs of the
// system is in auth/host.
//
// Everything that reads the environment gets it handed in, so that one system's
// rules can be tested on another. Functions keep no state and are safe for
// concurrent use.
package platform

// HasDisplay reports whether windows can be shown: on Linux, whether an X or
// Wayland display is named in the environment.
func HasDisplay(goos string, getenv func(string) string) bool {
	switch goos {
	case "windows", "darwin":
		return true
	}
	return getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != "" || getenv("WAYLAND_SOCKET") != ""
}
