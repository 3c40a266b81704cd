package app

import (
	"testing"
	"time"
)

// A window that is wanted twice comes to the front, and leaving the app closes it.
func TestOneWindow(t *testing.T) {
	ownFolder(t)
	k, err := process(t).keeper(t.Context(), "window")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.Close(t.Context()) }()
	release, err := oneWindow("audit")
	if err != nil || release == nil {
		t.Fatalf("the first: %v", err)
	}
	beside := companions(k, "audit")
	raise, err := beside.Raise(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quit, err := beside.Quit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if second, err := oneWindow("audit"); second != nil || err != nil {
		t.Errorf("the second: %v", err)
	}
	heard(t, "raise", raise)
	if err := closeWindows(); err != nil {
		t.Fatal(err)
	}
	heard(t, "quit", quit)
	release()
	if next, err := oneWindow("audit"); next == nil || err != nil {
		t.Errorf("after the first is closed: %v", err)
	} else {
		next()
	}
}

func heard(t *testing.T, what string, from <-chan struct{}) {
	t.Helper()
	select {
	case <-from:
	case <-time.After(10 * time.Second):
		t.Errorf("no signal to %s", what)
	}
}
