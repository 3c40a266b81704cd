package host

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What ps prints on macOS: a client's path has spaces, and so has the day.
func TestListed(t *testing.T) {
	berlin := time.FixedZone("", 2*60*60)
	got := listed("Thu Sep  3 09:05:01 2026     /Applications/LM Studio.app/Contents/MacOS/LM Studio\n"+
		"Fri Nov 27 13:49:15 2026     /Applications/Claude.app/Contents/MacOS/Claude\n"+
		"Fri Nov 27 13:49:16 2026     -zsh\n\nnonsense\n", berlin)
	want := []Process{
		{"/Applications/LM Studio.app/Contents/MacOS/LM Studio", time.Date(2026, 9, 3, 9, 5, 1, 0, berlin)},
		{"/Applications/Claude.app/Contents/MacOS/Claude", time.Date(2026, 11, 27, 13, 49, 15, 0, berlin)},
		{"-zsh", time.Date(2026, 11, 27, 13, 49, 16, 0, berlin)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A program may call itself anything.
func TestTicks(t *testing.T) {
	if n, ok := ticks("12 (a) b) R 1 (2 3) S 1 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1"); !ok || n != 987654 {
		t.Errorf("%d %v", n, ok)
	}
	for _, s := range []string{"", "12 (a", ")", "12 (a) R 1"} {
		if n, ok := ticks(s); ok {
			t.Errorf("%q says %d", s, n)
		}
	}
}

// This process itself is found, with the time at which it began.
func TestProcesses(t *testing.T) {
	list, err := Processes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "darwin" { // ps says what was executed, which may be a link
		self = filepath.Base(self)
	}
	at := slices.IndexFunc(list, func(p Process) bool { return p.Path == self || filepath.Base(p.Path) == self })
	if at < 0 {
		t.Fatalf("%s is not among %d processes", self, len(list))
	}
	if age := time.Since(list[at].Began); age < -time.Second || age > 10*time.Minute {
		t.Errorf("it began %s ago", age)
	}
}
