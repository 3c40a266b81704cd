package tray

import (
	"strings"

	"fyne.io/systray"

	"github.com/stagedoor-app/stagedoor/assets"
)

func setIcon(badge bool) { systray.SetIcon(assets.TrayIcon(badge)) }

// label escapes the ampersand, which marks an access key in a Windows menu.
func label(text string) string { return strings.ReplaceAll(text, "&", "&&") }
