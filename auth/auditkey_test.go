package auth_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// togetherVault lets two processes find out at the same moment that there is
// no key for the log yet.
type togetherVault struct {
	vault.Vault
	both chan struct{}
}

func (v togetherVault) Get(ctx context.Context, key string) (secret.String, error) {
	value, err := v.Vault.Get(ctx, key)
	if key == "audit/book" && errors.Is(err, vault.ErrNotFound) {
		select {
		case v.both <- struct{}{}:
		case <-v.both:
		case <-time.After(100 * time.Millisecond): // the other one is not there, or holds the lock
		}
	}
	return value, err
}

// Two programs that run for the first time at once must agree on the log's
// key: with two, the log would be called tampered with for ever.
func TestTwoFirstProcessesMakeOneKey(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	v := togetherVault{Vault: w.vault, both: make(chan struct{})}
	var wg sync.WaitGroup
	for range 2 {
		k := w.openWith(v)
		wg.Go(func() {
			k.Record(t.Context(), profile.Profile{}, audit.ProfileUsed, audit.OK, nil)
			if err := k.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := w.open().VerifyLog(t.Context(), nil)
	if err != nil || !r.OK || r.Events != 2 || !r.AnchorChecked || r.AnchorSeq != 2 {
		t.Errorf("%+v, %+v, %v", r, r.Problem, err)
	}
}

// promptVault asks the user something before it gives out the log's key.
type promptVault struct {
	vault.Vault
	asked  chan struct{}
	answer chan struct{}
}

func (v promptVault) Get(ctx context.Context, key string) (secret.String, error) {
	if key == "audit/book" {
		select {
		case v.asked <- struct{}{}:
		default:
		}
		select {
		case <-v.answer:
		case <-ctx.Done():
			return "", vault.ErrWaiting
		}
	}
	return v.Vault.Get(ctx, key)
}

// While the keychain asks the user something on behalf of one window, whatever
// else the tray does ends when its own time is over.
func TestAPromptHoldsNobodyElseUp(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	v := promptVault{Vault: w.vault, asked: make(chan struct{}, 1), answer: make(chan struct{})}
	k := w.openWith(v)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(v.answer)
	wg.Go(func() { _, _ = k.Alerts(vault.WithWait(t.Context(), time.Minute)) })
	<-v.asked
	for name, call := range map[string]func(context.Context) error{
		"verify": func(ctx context.Context) error { _, err := k.VerifyLog(ctx, nil); return err },
		"accept": func(ctx context.Context) error { _, err := k.AcceptLog(ctx); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		done := make(chan error, 1)
		wg.Go(func() { done <- call(ctx) })
		select {
		case err := <-done:
			if err == nil {
				t.Errorf("%s: it works without the log's key", name)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s waits for the answer to somebody else's prompt", name)
		}
	}
}

// A P0 is told while the keychain's prompt for the tray's menu is on the screen.
func TestAPromptKeepsNoP0Quiet(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := w.create("work")
	w.keeper.Record(t.Context(), p, audit.ReuseDetected, audit.Failed, map[string]any{"kind": alert.ReuseInvalidGrant})
	v := promptVault{Vault: w.vault, asked: make(chan struct{}, 1), answer: make(chan struct{})}
	tray := w.openWith(v)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(v.answer)
	wg.Go(func() { _, _ = tray.State(vault.WithWait(t.Context(), time.Minute)) })
	<-v.asked
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	told := make(chan []alert.Alert, 1)
	wg.Go(func() {
		alerts, _ := tray.SweepAlerts(ctx)
		told <- alerts
	})
	select {
	case alerts := <-told:
		if !slices.ContainsFunc(alerts, func(a alert.Alert) bool { return a.Severity == alert.P0 }) {
			t.Errorf("told of %+v", alerts)
		}
	case <-time.After(10 * time.Second):
		t.Error("the sweep waits for the answer to the menu's prompt")
	}
}

// The tray verifies every hour, and commands anchor the log's end in between. An
// anchor that moved back would let whoever can write the folder cut off what is
// after it, unnoticed.
func TestAnchorNeverMovesBack(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	if err := w.keeper.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	tray, command := w.open(), w.open()
	if _, err := tray.VerifyIncremental(t.Context()); err != nil { // the tray has read the anchor
		t.Fatal(err)
	}
	for range 5 {
		command.Record(t.Context(), profile.Profile{}, audit.ProfileUsed, audit.OK, nil)
	}
	if err := command.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := tray.VerifyIncremental(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := w.open().VerifyLog(t.Context(), nil); err != nil || r.AnchorSeq != 6 {
		t.Errorf("the anchor is at %d of %d events, %v", r.AnchorSeq, r.Events, err)
	}
	path := filepath.Join(w.dir, "audit", "000001.jsonl")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(data), "\n")
	if err := os.WriteFile(path, []byte(first+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := w.open().VerifyLog(t.Context(), nil); err != nil || r.OK {
		t.Errorf("five of six events were cut off: %+v, %v", r, err)
	}
}
