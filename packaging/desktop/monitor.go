//go:build linux

package desktop

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Notification is one call of org.freedesktop.Notifications.Notify as it was seen on the bus.
type Notification struct {
	At            time.Time
	App, Icon     string
	Summary, Body string
	Critical      bool
}

// menuCall is a call to or signal of a menu: what the panel told the app, or the app the panel.
type menuCall struct {
	at     time.Time
	sender string // unique name
	dest   string // unique or well-known name; empty for a signal
	member string
	id     int32  // Event: the item
	event  string // Event: "clicked", "opened", …
}

// monitor listens to everything on the bus and keeps what the tests ask about.
type monitor struct {
	conn *dbus.Conn
	end  func() // of the goroutine that reads

	mu            sync.Mutex
	changed       chan struct{} // closed and replaced when something was added
	notifications []Notification
	menu          []menuCall
	prompts       int
}

func newMonitor(address string) (*monitor, error) {
	conn, err := dbus.Connect(address)
	if err != nil {
		return nil, fmt.Errorf("monitor bus: %w", err)
	}
	m := &monitor{conn: conn, changed: make(chan struct{})}
	rules := []string{
		"type='method_call',interface='org.freedesktop.Notifications',member='Notify'",
		"type='method_call',interface='com.canonical.dbusmenu'",
		"type='signal',interface='com.canonical.dbusmenu'",
		"type='method_call',interface='org.freedesktop.Secret.Prompt',member='Prompt'",
	}
	if err := conn.BusObject().Call("org.freedesktop.DBus.Monitoring.BecomeMonitor", 0, rules, uint32(0)).Err; err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("monitor bus: %w", err)
	}
	// Only now: an eavesdropping connection hands out the answer to its own call, too, and would wait for ever.
	messages := make(chan *dbus.Message, 256)
	conn.Eavesdrop(messages)
	ended := make(chan struct{})
	m.end = sync.OnceFunc(func() { close(ended) })
	go func() {
		for {
			select {
			case <-ended:
				return
			case msg, ok := <-messages:
				if !ok { // the bus is gone
					return
				}
				m.add(msg)
			}
		}
	}()
	return m, nil
}

// close takes the channel away first: Conn.Close would close it under a message that
// comes in at that moment.
func (m *monitor) close() {
	m.conn.Eavesdrop(nil)
	m.end()
	_ = m.conn.Close()
}

func (m *monitor) add(msg *dbus.Message) {
	header := func(f dbus.HeaderField) string {
		s, _ := msg.Headers[f].Value().(string)
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch header(dbus.FieldInterface) {
	case "org.freedesktop.Notifications":
		if n, ok := parseNotification(msg.Body); ok {
			m.notifications = append(m.notifications, n)
		}
	case "org.freedesktop.Secret.Prompt":
		m.prompts++
	case menuIface:
		m.menu = append(m.menu, menuCalls(msg.Body, menuCall{
			at: time.Now(), sender: header(dbus.FieldSender), dest: header(dbus.FieldDestination), member: header(dbus.FieldMember),
		})...)
	default:
		return
	}
	close(m.changed)
	m.changed = make(chan struct{})
}

// menuCalls spells out a call's events; the panel sends one by Event, or several at once by EventGroup.
func menuCalls(body []any, call menuCall) []menuCall {
	var events [][]any
	switch {
	case call.member == "Event":
		events = [][]any{body}
	case call.member == "EventGroup" && len(body) == 1:
		events, _ = body[0].([][]any)
	}
	calls := []menuCall{call}
	for _, e := range events {
		if len(e) < 2 {
			continue
		}
		one := call
		one.id, _ = e[0].(int32)
		one.event, _ = e[1].(string)
		calls = append(calls, one)
	}
	return calls
}

func parseNotification(body []any) (Notification, bool) {
	if len(body) < 8 {
		return Notification{}, false
	}
	n := Notification{At: time.Now()}
	n.App, _ = body[0].(string)
	n.Icon, _ = body[2].(string)
	n.Summary, _ = body[3].(string)
	n.Body, _ = body[4].(string)
	if hints, ok := body[6].(map[string]dbus.Variant); ok {
		urgency, _ := hints["urgency"].Value().(byte)
		n.Critical = urgency == 2
	}
	return n, true
}

// wait calls look under the lock whenever something was added, until it says yes.
func (m *monitor) wait(ctx context.Context, look func() bool) error {
	for {
		m.mu.Lock()
		ok, changed := look(), m.changed
		m.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Notifications are all notifications so far, oldest first.
func (d *Desktop) Notifications() []Notification {
	d.monitor.mu.Lock()
	defer d.monitor.mu.Unlock()
	return slices.Clone(d.monitor.notifications)
}

// WaitNotification returns the first notification, past ones included, that match accepts. Bound it by ctx.
func (d *Desktop) WaitNotification(ctx context.Context, match func(summary, body string) bool) (Notification, error) {
	var found Notification
	err := d.monitor.wait(ctx, func() bool {
		for _, n := range d.monitor.notifications {
			if match(n.Summary, n.Body) {
				found = n
				return true
			}
		}
		return false
	})
	if err != nil {
		return found, fmt.Errorf("wait for notification: %w (seen: %+v)", err, d.Notifications())
	}
	return found, nil
}
