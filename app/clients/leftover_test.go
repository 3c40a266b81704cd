//go:build unix

package clients

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// A file that Stagedoor made goes again with its last entry, of every client; one that
// somebody put anything into stays, as does one that somebody else made.
func TestLeftoverFileGoes(t *testing.T) {
	for _, client := range All() {
		t.Run(client.ID, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, client.ID)
			gone := func() bool {
				ch, err := w.PlanLeftover(t.Context(), client)
				if err != nil {
					t.Fatal(err)
				}
				w.apply(ch)
				_, err = os.Stat(w.path())
				return errors.Is(err, fs.ErrNotExist)
			}
			// Made with one and left without the other, so that no change is the last undone.
			made := func() string {
				w.apply(w.plan("our", &shortEntry))
				w.apply(w.plan("other", &shortEntry))
				if gone() {
					t.Fatal("it went with an entry")
				}
				w.apply(w.plan("our", nil))
				w.apply(w.plan("other", nil))
				return w.read()
			}
			left := made()
			if !gone() {
				t.Errorf("left: %q", left)
			}
			w.write(made() + "\n")
			if gone() {
				t.Error("a file that somebody changed is gone")
			}
			other := newWorld(t, client.ID)
			other.write(left)
			if ch, err := other.PlanLeftover(t.Context(), client); err != nil || ch.Writes() {
				t.Errorf("a file that somebody else made would go: %v", err)
			}
		})
	}
}
