//go:build linux

// Package notifytest is a desktop's notification daemon on a bus of its own,
// for tests. Its methods are safe for concurrent use.
package notifytest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// Shown is a notification as the daemon gets it.
type Shown struct {
	App, Title, Body string
	Urgency          byte // 0 low, 1 normal, 2 critical
	Picture          bool
}

// Daemon shows nothing and remembers all.
type Daemon struct {
	Address string // of the bus

	mu    sync.Mutex
	shown []Shown
}

// Bus starts a bus for this test alone and returns its address.
func Bus(t testing.TB) string {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no dbus-daemon here; package dbus has it, and CI must run this")
		}
		t.Skip("no dbus-daemon here; package dbus has it")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "bus.conf")
	err = durable.WriteFile(config, fmt.Appendf(nil, `<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>`, filepath.Join(dir, "bus")), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config-file="+config, "--nofork", "--print-address") //nolint:noctx // ends with the test
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dbus-daemon did not start: %v", err)
	}
	return strings.TrimSpace(address)
}

// Start starts a bus with the daemon on it and makes it the session bus.
func Start(t testing.TB, setenv func(name, value string)) *Daemon {
	t.Helper()
	d := &Daemon{Address: Bus(t)}
	setenv("DBUS_SESSION_BUS_ADDRESS", d.Address)
	conn, err := dbus.Connect(d.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.Export(d, "/org/freedesktop/Notifications", "org.freedesktop.Notifications"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName("org.freedesktop.Notifications", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return d
}

// Notify is called over the bus.
func (d *Daemon) Notify(app string, _ uint32, _, title, body string, _ []string, hints map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Shown{App: app, Title: title, Body: body}
	s.Urgency, _ = hints["urgency"].Value().(byte)
	_, s.Picture = hints["image-data"]
	d.shown = append(d.shown, s)
	return uint32(len(d.shown)), nil
}

// Shown returns what was shown so far.
func (d *Daemon) Shown() []Shown {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Shown(nil), d.shown...)
}

// Wait waits until n notifications were shown, or for 20 seconds.
func (d *Daemon) Wait(t testing.TB, n int) []Shown {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if list := d.Shown(); len(list) >= n {
			return list
		}
		select {
		case <-deadline:
			t.Fatalf("%d of %d notifications came", len(d.Shown()), n)
		case <-tick.C:
		}
	}
}
