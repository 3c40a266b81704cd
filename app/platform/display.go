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
