package setup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/host"
)

// After a change it is said whether the client has to be started again for it: that is
// what people forget, and then nothing seems to work.
func TestWhatToDoAfterAChange(t *testing.T) {
	began := time.Now().Add(-time.Hour)
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".config", "Claude"), 0o700); err != nil { // it was started before
		t.Fatal(err)
	}
	s := service(t, home)
	desktop, cursor := lookup(t, "claude-desktop"), lookup(t, "cursor")
	for name, c := range map[string]struct {
		client clients.Client
		list   []host.Process
		err    error
		says   string
	}{
		"it runs":            {desktop, []host.Process{{Path: "/opt/claude-desktop/claude-desktop", Began: began}}, nil, "has been running since " + began.Format("15:04") + " and does not know of it yet: quit Claude Desktop completely"},
		"it does not run":    {desktop, []host.Process{{Path: "/bin/sh", Began: began}}, nil, "reads it when it starts; it does not seem to run now"},
		"nobody knows":       {desktop, nil, errors.New("no /proc"), desktop.Reload},
		"it looks by itself": {cursor, []host.Process{{Path: "/opt/cursor/cursor", Began: began}}, nil, cursor.Reload},
	} {
		s.Processes = func(context.Context) ([]host.Process, error) { return c.list, c.err }
		if got := s.Next(t.Context(), c.client); !strings.Contains(got, c.says) {
			t.Errorf("%s: %q does not say %q", name, got, c.says)
		}
	}
	s.Processes = func(context.Context) ([]host.Process, error) {
		return []host.Process{{Path: "/opt/claude-desktop/claude-desktop", Began: began}}, nil
	}
	if message, err := s.Click(t.Context(), ""); err != nil || !strings.Contains(message, "Claude Desktop has been running since ") {
		t.Errorf("the click says %q, %v", message, err)
	}
}

func lookup(t *testing.T, id string) clients.Client {
	t.Helper()
	c, err := clients.Lookup(id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
