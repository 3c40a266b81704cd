package notify

import (
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/notify/notifytest"
	"github.com/stagedoor-app/stagedoor/assets"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// A silent notification reaches the daemon, and standard output, which is a
// protocol in the launcher, gets nothing: no bell either.
func TestSilentSpeaksToTheDaemonOnly(t *testing.T) {
	d := notifytest.Start(t, t.Setenv)
	stdout := os.Stdout
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout = write
	defer func() { os.Stdout = stdout }()
	n, err := New(Params{Icon: assets.Icon(), Now: time.Now, Logger: slog.New(slog.DiscardHandler), Silent: true})
	if err != nil {
		t.Fatal(err)
	}
	n.Alert(alert.Alert{Severity: alert.P0, Message: "work: <b>odd</b>"}, "work")
	n.Close(t.Context())
	_ = write.Close()
	if said, err := io.ReadAll(read); err != nil || len(said) > 0 {
		t.Errorf("on standard output: %q, %v", said, err)
	}
	want := []notifytest.Shown{{App: "Stagedoor", Title: "Critical alert: work", Body: "&lt;b&gt;odd&lt;/b&gt;", Urgency: 1, Picture: true}}
	if diff := cmp.Diff(want, d.Shown()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !CanShow() {
		t.Error("a daemon that runs is not found")
	}
}

// Without anybody to show it, nobody is told, and no bus is started to find
// out.
func TestCanShow(t *testing.T) {
	for _, address := range []string{"", notifytest.Bus(t), "unix:path=/nonexistent/bus"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		if CanShow() {
			t.Errorf("shown to nobody at %q", address)
		}
	}
}

// A bus that takes the connection and says nothing must not hold a command up.
func TestABusThatHangs(t *testing.T) {
	address := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+address)
	done := make(chan bool)
	go func() { done <- canShow(50 * time.Millisecond) }()
	select {
	case can := <-done:
		if can {
			t.Error("shown on a bus that says nothing")
		}
	case <-time.After(4 * patience):
		t.Error("it waits for ever")
	}
}
