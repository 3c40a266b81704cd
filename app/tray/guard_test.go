package tray

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stagedoor-app/stagedoor/app/guard"
)

// fakeGuard has lost something until it is answered.
type fakeGuard struct {
	mu      sync.Mutex
	lost    []guard.Loss
	left    []string
	err     error
	changed chan struct{}
}

func (g *fakeGuard) set(lost ...guard.Loss) {
	g.mu.Lock()
	g.lost = lost
	g.mu.Unlock()
	g.changed <- struct{}{}
}

func (g *fakeGuard) Open() []guard.Loss {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.lost)
}

func (g *fakeGuard) Changed() <-chan struct{} { return g.changed }

func (g *fakeGuard) PutBack(_ context.Context, client string) (string, error) {
	if g.err != nil {
		return "", g.err
	}
	g.set()
	return client + " has it again.", nil
}

func (g *fakeGuard) Leave(_ context.Context, client string) error {
	g.left = append(g.left, client)
	g.set()
	return nil
}

// What a client lost is asked about in the menu, and the answer is carried out.
func TestALossIsAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loss := guard.Loss{Client: "cursor", Name: "Cursor", Entries: []string{"spotify"}, Why: guard.Gone}
		g := &fakeGuard{changed: make(chan struct{}, 1)}
		r := newRig(t, newKeeper(two()), func(p *Params) { p.Guard = g })
		defer r.end()
		if strings.Contains(r.surface.menu(), "lost") {
			t.Error("asked about nothing")
		}
		g.set(loss)
		synctest.Wait()
		wantMenu(t, r, "Put it back -> put back cursor")
		g.err = errors.New("the keychain is locked")
		r.click(PutBack, "cursor")
		wantNotified(t, r, "It could not be put back\nThe keychain is locked")
		wantMenu(t, r, "Cursor lost spotify…")
		g.err = nil
		r.click(PutBack, "cursor")
		wantNotified(t, r, "Put back\ncursor has it again.")
		if strings.Contains(r.surface.menu(), "lost") {
			t.Errorf("still asked:\n%s", r.surface.menu())
		}
		g.set(loss)
		synctest.Wait()
		r.click(LeaveOut, "cursor")
		if !slices.Equal(g.left, []string{"cursor"}) || strings.Contains(r.surface.menu(), "lost") {
			t.Errorf("left: %v\n%s", g.left, r.surface.menu())
		}
	})
}
