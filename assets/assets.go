// Package assets holds Stagedoor's icons. They are drawn as SVG in this folder
// and rendered by render.sh; what a program needs at run time is embedded here.
//
// The returned slices are shared: callers must not change them.
package assets

import _ "embed"

//go:embed icon-256.png
var icon []byte

// Icon returns the app icon for windows and notifications: PNG, 256 pixels
// square.
func Icon() []byte { return icon }

// TrayIcon returns the icon for the notification area, with a dot if badge is
// set, in the format that the system's tray takes: ICO with 16 to 48 pixels on
// Windows, PNG with 44 pixels elsewhere. Its colours hold on light and dark
// panels.
func TrayIcon(badge bool) []byte {
	if badge {
		return trayBadge
	}
	return tray
}
