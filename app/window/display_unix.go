//go:build !lean && !windows && !darwin

package window

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// checkDisplay finds out whether a window can be shown. Fyne's driver ends the
// process when it cannot, without a word that helps.
func checkDisplay(ctx context.Context) error {
	const advice = "open the window from a desktop session; every window has an equivalent on the command line, see stagedoor --help"
	display := os.Getenv("DISPLAY")
	if os.Getenv("WAYLAND_DISPLAY") != "" {
		return nil
	}
	if display == "" {
		return hint.New("there is no display to show a window on", advice)
	}
	// A local display, ":N.S", has a socket; others are left to the driver.
	number, local := strings.CutPrefix(display, ":")
	if !local {
		return nil
	}
	number, _, _ = strings.Cut(number, ".")
	dialer := net.Dialer{Timeout: 2 * time.Second}
	var err error
	// Some servers listen on the abstract name alone.
	for _, name := range []string{"/tmp/.X11-unix/X" + number, "@/tmp/.X11-unix/X" + number} {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, "unix", name); err == nil {
			return conn.Close()
		}
	}
	return hint.Wrap(fmt.Errorf("display %s does not answer: %w", display, err), advice)
}
