//go:build linux

package desktop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// Window is a top-level window that the window manager looks after.
type Window struct {
	ID                  string // X window id, 0x…
	Title               string
	X, Y, Width, Height int // of the content, without the title bar; pixels
}

// Windows lists the open windows, oldest first.
func (d *Desktop) Windows(ctx context.Context) ([]Window, error) {
	out, err := d.output(ctx, "xprop", "-root", "_NET_CLIENT_LIST")
	if err != nil {
		return nil, err
	}
	var windows []Window
	for _, id := range regexp.MustCompile(`0x[0-9a-f]+`).FindAllString(out, -1) {
		w, err := d.window(ctx, id)
		if err != nil {
			continue // closed meanwhile
		}
		windows = append(windows, w)
	}
	return windows, nil
}

var geometryLine = regexp.MustCompile(`(?m)^\s*(Absolute upper-left X|Absolute upper-left Y|Width|Height):\s*(-?\d+)`)

func (d *Desktop) window(ctx context.Context, id string) (Window, error) {
	w := Window{ID: id}
	out, err := d.output(ctx, "xwininfo", "-id", id)
	if err != nil {
		return w, err
	}
	for _, m := range geometryLine.FindAllStringSubmatch(out, -1) {
		n, _ := strconv.Atoi(m[2])
		switch m[1] {
		case "Absolute upper-left X":
			w.X = n
		case "Absolute upper-left Y":
			w.Y = n
		case "Width":
			w.Width = n
		case "Height":
			w.Height = n
		}
	}
	w.Title, err = d.output(ctx, "xdotool", "getwindowname", id)
	return w, err
}

// WaitWindow waits until a window whose title matches is there. Bound it by ctx.
func (d *Desktop) WaitWindow(ctx context.Context, title string) (Window, error) {
	re, err := regexp.Compile(title)
	if err != nil {
		return Window{}, err
	}
	var found Window
	var all []Window
	err = poll(ctx, time.Hour, func() (bool, error) {
		windows, err := d.Windows(ctx)
		if err != nil {
			return false, err
		}
		all = windows
		for _, w := range windows {
			if re.MatchString(w.Title) {
				found = w
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return found, fmt.Errorf("wait for window %q: %w (open: %v)", title, err, titles(all))
	}
	return found, nil
}

func titles(windows []Window) []string {
	var names []string
	for _, w := range windows {
		names = append(names, w.Title)
	}
	return names
}

// Focus raises a window and gives it the keyboard.
func (d *Desktop) Focus(ctx context.Context, w Window) error {
	if _, err := d.output(ctx, "xdotool", "windowactivate", "--sync", w.ID); err != nil {
		return fmt.Errorf("focus %q: %w", w.Title, err)
	}
	return nil
}

// CloseWindow closes a window as its user would (Alt+F4) and waits until it is gone.
func (d *Desktop) CloseWindow(ctx context.Context, w Window) error {
	if err := d.Focus(ctx, w); err != nil {
		return err
	}
	if err := d.Key(ctx, "alt+F4"); err != nil {
		return err
	}
	err := poll(ctx, toolTimeout, func() (bool, error) {
		windows, err := d.Windows(ctx)
		for _, other := range windows {
			if other.ID == w.ID {
				return false, err
			}
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("close %q: %w", w.Title, err)
	}
	return nil
}

// Screenshot writes a picture of the whole screen; the extension says the format (.png).
func (d *Desktop) Screenshot(ctx context.Context, path string) error {
	return d.picture(ctx, "root", path)
}

// ScreenshotWindow writes a picture of the first window whose title matches, with its title bar.
func (d *Desktop) ScreenshotWindow(ctx context.Context, title, path string) error {
	w, err := d.WaitWindow(ctx, title)
	if err != nil {
		return err
	}
	if err := d.Focus(ctx, w); err != nil {
		return err
	}
	const bar, border = 31, 1 // of the window manager's style
	crop := fmt.Sprintf("%dx%d%+d%+d", w.Width+2*border, w.Height+bar+2*border, max(0, w.X-border), max(0, w.Y-bar-border))
	return d.picture(ctx, "root", path, "-crop", crop, "+repage")
}

func (d *Desktop) picture(ctx context.Context, window, path string, args ...string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
		return err
	}
	if _, err := d.output(ctx, "import", append(append([]string{"-window", window}, args...), abs)...); err != nil {
		return fmt.Errorf("take picture: %w", err)
	}
	if info, err := os.Stat(abs); err != nil || info.Size() == 0 {
		return errors.Join(errors.New("take picture: nothing written"), err)
	}
	return nil
}

// Click moves the pointer and presses its left button.
func (d *Desktop) Click(ctx context.Context, x, y int) error {
	return d.press(ctx, x, y, 1)
}

// MoveTo moves the pointer. The X server handles requests in order, so there is nothing to wait for (and xdotool's
// --sync waits for ever when the pointer is there already).
func (d *Desktop) MoveTo(ctx context.Context, x, y int) error {
	_, err := d.output(ctx, "xdotool", "mousemove", strconv.Itoa(x), strconv.Itoa(y))
	return err
}

func (d *Desktop) press(ctx context.Context, x, y, button int) error {
	if err := d.MoveTo(ctx, x, y); err != nil {
		return err
	}
	_, err := d.output(ctx, "xdotool", "click", strconv.Itoa(button))
	return err
}

// Key presses keys one after the other, each as xdotool names it: "Return", "ctrl+a".
func (d *Desktop) Key(ctx context.Context, keys ...string) error {
	_, err := d.output(ctx, "xdotool", append([]string{"key", "--delay", "30"}, keys...)...)
	return err
}

// Type types a text into the focused window.
func (d *Desktop) Type(ctx context.Context, text string) error {
	if text == "" {
		return nil
	}
	_, err := d.output(ctx, "xdotool", "type", "--delay", "15", "--", text)
	return err
}
