//go:build !lean

package window

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/stagedoor-app/stagedoor/app/keepertest"
	"github.com/stagedoor-app/stagedoor/app/window/kit"
	"github.com/stagedoor-app/stagedoor/app/window/servers"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

var _ Keeper = (*auth.Keeper)(nil)

func TestNames(t *testing.T) {
	if got := Names(); !slices.Equal(got, []string{"alerts", "audit", "profiles", "servers", "welcome"}) {
		t.Errorf("windows: %q", got)
	}
}

func TestRunRefusesWhatItCannotShow(t *testing.T) {
	p := Params{Keeper: &keepertest.Fake{}, Now: time.Now}
	if err := Run(t.Context(), "nonsense", p); err == nil || !strings.Contains(hint.Of(err), "alerts, audit, profiles, servers, welcome") {
		t.Errorf("unknown window: %v, hint %q", err, hint.Of(err))
	}
	if err := Run(t.Context(), "audit", Params{}); err == nil {
		t.Error("ran without a keeper")
	}
}

// Ctrl+W and the window's cross must work in every window.
func TestEveryWindowOpensAndCloses(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			test.NewTempApp(t)
			w := test.NewWindow(nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := Params{Keeper: &keepertest.Fake{Ticks: make(chan struct{})}, Now: time.Now, Servers: servers.Parts{Problem: errors.New("no home folder")}}
			h := newHost(ctx, w, p)
			h.Tasks = kit.Inline(ctx) // Fyne's test driver has no goroutine of its own for the UI
			fill(h, p, builders()[name])
			if w.Content().MinSize().IsZero() || !strings.HasSuffix(w.Title(), "Stagedoor") {
				t.Errorf("window %q has min size %v", w.Title(), w.Content().MinSize())
			}
			if m := w.Content().MinSize(); m.Width < 600 || m.Height < 340 || m.Width > 1024 || m.Height > 640 {
				t.Errorf("min size %v does not fit a small screen, or shows nothing", m)
			}
			closed := false
			w.SetOnClosed(func() { closed = true })
			fyne.DoAndWait(w.Close)
			if !closed {
				t.Error("did not close")
			}
		})
	}
}

// Fyne looks the language up before main. With the usual locale of a container
// every command would print three lines of complaint, and a child process must
// still get the locale that the user set.
func TestOddLocaleIsQuietAndKept(t *testing.T) {
	if os.Getenv("STAGEDOOR_TEST_LOCALE") != "" {
		_, _ = os.Stdout.WriteString("<" + os.Getenv("LANG") + ">")
		return
	}
	for _, locale := range []string{"C.UTF-8", "C.utf8", "C", "POSIX", "", "de_DE.UTF-8"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestOddLocaleIsQuietAndKept$")
		cmd.Env = []string{"STAGEDOOR_TEST_LOCALE=1", "LANG=" + locale, "HOME=" + t.TempDir()}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		if stderr.Len() > 0 {
			t.Errorf("LANG=%s: stderr is %q", locale, stderr.String())
		}
		if got := stdout.String(); !strings.Contains(got, "<"+locale+">") {
			t.Errorf("LANG=%s became %q", locale, got)
		}
	}
}
