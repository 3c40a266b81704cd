package vault

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// A session bus that takes a connection and never answers must not hang a
// command: a call asks it once more when its time is over.
func TestABusThatDoesNotAnswerWaitsForNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	bus, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bus.Close() }()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+path)
	answer := make(chan bool, 1)
	go func() { answer <- osKeyring{}.Waits() }()
	select {
	case waits := <-answer:
		if waits {
			t.Error("it is taken for a prompt")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
}
