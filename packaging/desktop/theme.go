//go:build linux

package desktop

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed theme
var themeFiles embed.FS

// theme is what the files in theme/ are filled with.
type theme struct {
	Dark       bool
	Home       string
	BusAddress string
	Services   string // folder of the services that the bus may start by itself

	Wallpaper, Title, TitleDim, Text, TextDim, Frame, Alarm string // colours, #rrggbb
}

func newTheme(dark bool) theme {
	if dark {
		return theme{
			Dark: true, Wallpaper: "#1f2a38", Title: "#2d2d2d", TitleDim: "#383838",
			Text: "#eeeeec", TextDim: "#929595", Frame: "#1b1b1b", Alarm: "#e0523f",
		}
	}
	return theme{
		Wallpaper: "#4a6a8a", Title: "#ebe9e7", TitleDim: "#f6f5f4",
		Text: "#2e3436", TextDim: "#8b8e8f", Frame: "#b6b0aa", Alarm: "#c4342b",
	}
}

// install writes the settings of every part into the throwaway home.
func (th theme) install(f folders) error {
	targets := map[string]string{
		"bus.conf":        f.busConfig(),
		"xfce4-panel.xml": filepath.Join(f.config, "xfce4", "xfconf", "xfce-perchannel-xml", "xfce4-panel.xml"),
		"gtk.ini":         filepath.Join(f.config, "gtk-3.0", "settings.ini"),
		"fluxbox-init":    filepath.Join(f.home, ".fluxbox", "init"),
		"fluxbox-keys":    filepath.Join(f.home, ".fluxbox", "keys"),
		"fluxbox-apps":    filepath.Join(f.home, ".fluxbox", "apps"),
		"fluxbox-style":   filepath.Join(f.home, ".fluxbox", "style"),
		"fluxbox-overlay": filepath.Join(f.home, ".fluxbox", "overlay"),
		"fluxbox-menu":    filepath.Join(f.home, ".fluxbox", "menu"),
		"dunstrc":         filepath.Join(f.config, "dunst", "dunstrc"),
	}
	tmpl, err := template.ParseFS(themeFiles, "theme/*")
	if err != nil {
		return fmt.Errorf("read theme: %w", err)
	}
	for name, target := range targets {
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		out, err := os.Create(target)
		if err != nil {
			return err
		}
		err = tmpl.ExecuteTemplate(out, name, th)
		if closeErr := out.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
