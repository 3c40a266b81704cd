//go:build cgo

package tray

import (
	"fyne.io/systray"

	"github.com/stagedoor-app/stagedoor/assets"
)

// setIcon gives the menu bar a template, which it draws in its own colour.
func setIcon(badge bool) { systray.SetTemplateIcon(assets.TrayTemplate(badge), assets.TrayIcon(badge)) }

func label(text string) string { return text }
