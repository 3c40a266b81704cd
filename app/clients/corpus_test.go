//go:build unix

package clients

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/app/clients/clientstest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// Of every file that people have, either the entry is set and everything else stays, or
// nothing happens and the user hears where and why.
func TestCorpus(t *testing.T) {
	all := clientstest.Corpus()
	if len(all) < 100 {
		t.Errorf("%d files", len(all))
	}
	for _, s := range all {
		t.Run(s.Client+"/"+s.Name, func(t *testing.T) {
			w := newWorld(t, s.Client)
			w.write(s.Content)
			before, err := os.ReadFile(w.path())
			if err != nil {
				t.Fatal(err)
			}
			ch, err := w.Plan(t.Context(), w.client, "our", &shortEntry)
			if s.Refused != "" {
				if err == nil || !strings.Contains(err.Error(), s.Refused) || hint.Of(err) == "" || !strings.Contains(err.Error(), w.path()) {
					t.Errorf("%v, hint %q; want it refused: %s", err, hint.Of(err), s.Refused)
				}
				if after, _ := os.ReadFile(w.path()); !bytes.Equal(after, before) {
					t.Error("the file has changed")
				}
				return
			}
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			w.apply(ch)
			set := w.read()
			if ch.Action == Create && !clientstest.Inserted(before, []byte(set)) {
				t.Errorf("more than the entry has changed:\n%.300q\n%.300q", before, set)
			}
			// Without the copy that was kept, too, nothing of the rest goes but a list that was empty.
			alone := Change{Client: ch.Client, Path: ch.Path, Name: ch.Name, Before: []byte(set), Exists: true}
			if err := alone.compute(w.client); err != nil {
				t.Errorf("taken out: %v", err)
			} else if rest := alone.After; ch.Action == Create && !clientstest.Inserted(before, rest) &&
				(!clientstest.Inserted(rest, before) || bytes.Count(rest, []byte("#")) != bytes.Count(before, []byte("#"))) {
				t.Errorf("taken out without the copy it is another:\n%.300q\n%.300q", before, alone.After)
			}
			if again := w.plan("our", &shortEntry); again.Writes() {
				t.Errorf("set twice it is another: %s", again.Diff())
			}
			w.apply(w.plan("our", nil))
			if after := w.read(); after != string(before) && ch.Action == Create {
				t.Errorf("set and removed it is another:\n%.300q\n%.300q\nset: %.300q", before, after, set)
			}
		})
	}
}
