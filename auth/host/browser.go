package host

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// startup is how long an opener is watched for a failure to start. Openers hand
// over to a browser and end at once, or become the browser and stay.
const startup = 2 * time.Second

const noBrowserAdvice = "open the address by hand; stagedoor login --no-browser prints it"

// Browser opens web pages in the user's browser. The zero value works.
type Browser struct {
	Getenv func(string) string // nil: no variable is set
	// Wait overrides how long an opener is watched; 0 means 2 seconds.
	Wait time.Duration
}

// Open shows rawURL, which must be an http or https address, and returns once
// the browser has been started; it does not wait for it to be closed. The
// address goes to the opener as one argument, never through a shell. A failure
// carries the advice to log in without a browser.
func (b Browser) Open(ctx context.Context, rawURL string) error {
	target, err := webAddress(rawURL)
	if err != nil {
		return err
	}
	return b.open(ctx, target)
}

// OpenFile has the system open a file with the program that the user has for its kind, on
// macOS and Windows. The path must be absolute.
func (b Browser) OpenFile(ctx context.Context, path string) error {
	if !filepath.IsAbs(path) || strings.ContainsAny(path, "\"\r\n") {
		return fmt.Errorf("open %q: not the whole path of a file", path)
	}
	return b.open(ctx, path)
}

func (b Browser) open(ctx context.Context, target string) error {
	getenv := b.Getenv
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	opener, err := opener(getenv)
	if err != nil {
		return hint.Wrap(fmt.Errorf("open a browser: %w", err), noBrowserAdvice)
	}
	wait := b.Wait
	if wait == 0 {
		wait = startup
	}
	// The browser outlives the caller and its context.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), opener[0], append(opener[1:], target)...)
	if err := launch(ctx, cmd, wait); err != nil {
		return hint.Wrap(fmt.Errorf("open a browser with %s: %w", opener[0], err), noBrowserAdvice)
	}
	return nil
}

// webAddress refuses what an opener would take for an option, a file or a
// program, and gives the address back in its canonical form.
func webAddress(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// url.Error repeats the address, which may hold a code or a state.
		return "", errors.New("open a browser: the address cannot be parsed")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return "", fmt.Errorf("open a browser: refusing an address with scheme %q: only http and https pages are opened", u.Scheme)
	}
	return u.String(), nil
}

// launch starts cmd on its own, apart from our terminal and our lifetime, and
// reports if it fails within wait.
func launch(ctx context.Context, cmd *exec.Cmd, wait time.Duration) error {
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // also keeps it from staying a zombie
	limit := time.NewTimer(wait)
	defer limit.Stop()
	select {
	case err := <-ended:
		return err
	case <-limit.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
