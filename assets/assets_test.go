package assets_test

import (
	"bytes"
	"image/png"
	"runtime"
	"testing"

	"github.com/stagedoor-app/stagedoor/assets"
)

// A tray that gets an icon it cannot decode shows an empty place.
func TestIconsDecode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the tray's icons are ICO files there")
	}
	for name, c := range map[string]struct {
		data []byte
		size int
	}{
		"app":   {assets.Icon(), 256},
		"tray":  {assets.TrayIcon(false), 44},
		"badge": {assets.TrayIcon(true), 44},
	} {
		img, err := png.Decode(bytes.NewReader(c.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b := img.Bounds(); b.Dx() != c.size || b.Dy() != c.size {
			t.Errorf("%s is %dx%d, want %d square", name, b.Dx(), b.Dy(), c.size)
		}
	}
	if bytes.Equal(assets.TrayIcon(true), assets.TrayIcon(false)) {
		t.Error("the badge cannot be told from the plain icon")
	}
}
