// Package notify shows native notifications. It is best effort: what it shows is
// always to be seen in the tray and the audit log as well.
//
// It promises that a text never carries a secret or markup to the notification
// daemon (see clean), that a flood of alerts becomes a handful of notifications,
// and that a daemon that fails or hangs costs a log line and nothing else. All
// methods return at once and are safe for concurrent use.
//
// A process whose standard output is somebody else's, a protocol's or a pipe's,
// must ask for a Silent one: sound means a byte on standard output on Linux.
package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/gen2brain/beeep"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

const (
	perMinute = 5               // notifications that a person still reads
	patience  = 5 * time.Second // for a notification daemon to answer
	maxWait   = 8               // unanswered notifications before new ones are dropped
)

// Urgency of a notification.
type Urgency int

// An Urgent notification stays until it is dismissed, where the desktop can do
// that, and makes a sound.
const (
	Normal Urgency = iota
	Urgent
)

// Message is what is shown, with both texts already clean.
type Message struct {
	Title   string
	Body    string
	Urgency Urgency
}

// Params are what a Notifier is made of. Now and Logger are required.
type Params struct {
	AppName string // "" means Stagedoor
	Icon    []byte // PNG; needed unless Send is set
	Now     func() time.Time
	Logger  *slog.Logger
	// Silent forgoes sound, and with it every write to standard output.
	Silent bool
	// Send shows a message; nil means the system's own way. It may block.
	Send func(Message) error
}

// Notifier shows results of clicks, at most five in a minute, as many alerts, and as
// many verified P0 alerts besides.
type Notifier struct {
	now    func() time.Time
	logger *slog.Logger
	send   func(Message) error
	goos   string

	mu      sync.Mutex
	bucket  bucket // of results
	alerts  bucket
	grave   bucket // of its own for P0 alerts that nobody but us can have made
	held    int    // not shown for want of budget
	results int    // how many of those were no alerts
	worst   held   // the gravest alert among them
	timer   *time.Timer
	waiting int // messages that the daemon has not answered yet
	closed  bool
	idle    *sync.Cond
}

// ErrBusy says that the notification daemon does not answer.
var ErrBusy = errors.New("the notification daemon does not answer")

// New returns a Notifier.
func New(p Params) (*Notifier, error) {
	if p.Now == nil || p.Logger == nil {
		return nil, errors.New("notify: no clock or no logger given")
	}
	if p.Send == nil && len(p.Icon) == 0 { // beeep shows nothing then
		return nil, errors.New("notify: no icon given")
	}
	p.AppName = cmp.Or(p.AppName, "Stagedoor")
	if p.Send == nil {
		p.Send = native(p.AppName, p.Icon, p.Silent)
	}
	n := &Notifier{now: p.Now, logger: p.Logger, send: p.Send, goos: runtime.GOOS, bucket: newBucket(p.Now()), alerts: newBucket(p.Now()), grave: newBucket(p.Now())}
	n.idle = sync.NewCond(&n.mu)
	return n, nil
}

// Info shows the result of something the user did.
func (n *Notifier) Info(title, body string) {
	n.show(Message{Title: title, Body: body}, nil, &n.bucket)
}

// Alert shows an alert; P0 and P1 are urgent, and no flood of others keeps a P0
// back. profileName is "" for an alert that concerns no profile.
func (n *Notifier) Alert(a alert.Alert, profileName string) {
	m := Message{Title: severityNames[min(max(a.Severity, alert.P0), alert.P3)], Body: a.Message}
	if profileName != "" {
		m.Title += ": " + profileName
		// The message begins with the name as it was; the title has it as it is.
		if body, ok := strings.CutPrefix(m.Body, profileName+": "); ok {
			m.Body = text.Sentence(body)
		}
	}
	if a.Severity <= alert.P1 {
		m.Urgency = Urgent
	}
	budget := &n.alerts
	if a.Severity == alert.P0 && !a.Unverified {
		budget = &n.grave
	}
	n.show(m, &a.Severity, budget)
}

// Close gives what is on its way up to five seconds, or until ctx ends, and lets
// nothing more through.
func (n *Notifier) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.idle.Broadcast()
	})
	defer stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if n.timer != nil {
		n.timer.Stop()
	}
	for n.waiting > 0 && ctx.Err() == nil {
		n.idle.Wait()
	}
}

func (n *Notifier) show(m Message, of *alert.Severity, budget *bucket) {
	m.Title, m.Body = cleanTitle(m.Title), cleanBody(m.Body, n.goos)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	if !budget.take(n.now(), m.Urgency) {
		n.hold(m, of)
		return
	}
	most := maxWait
	if budget == &n.grave {
		most *= 2
	}
	n.dispatch(m, most)
}

// held is an alert that was not shown.
type held struct {
	message  Message
	severity alert.Severity
}

// hold counts what is over budget and sees to it that one notification says so
// as soon as there is budget again, with the gravest alert in full.
func (n *Notifier) hold(m Message, of *alert.Severity) {
	n.held++
	switch {
	case of == nil:
		n.results++
	case n.held-n.results == 1 || *of < n.worst.severity:
		n.worst = held{m, *of}
	}
	if n.timer == nil {
		n.timer = time.AfterFunc(refill, n.summarise)
	}
}

func (n *Notifier) summarise() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.timer = nil
	if n.closed || n.held == 0 {
		return
	}
	alerts := n.held - n.results
	budget := &n.bucket
	if alerts > 0 {
		budget = &n.alerts
	}
	if !budget.take(n.now(), Normal) {
		n.timer = time.AfterFunc(refill, n.summarise)
		return
	}
	what := "alert"
	if n.results > 0 {
		what = "notification"
	}
	if n.held > 1 {
		what += "s"
	}
	m := Message{Title: "Stagedoor", Body: fmt.Sprintf("%d more %s: open the log", n.held, what)}
	if alerts == 1 && n.results == 0 {
		m = n.worst.message
	} else if alerts > 0 {
		m.Title = n.worst.message.Title
		m.Body = fmt.Sprintf("%s (and %d more: open the log)", n.worst.message.Body, n.held-1)
	}
	n.held, n.results = 0, 0
	n.dispatch(m, maxWait)
}

// dispatch sends m on a goroutine of its own. A daemon that hangs keeps a few of
// those, never more: it drops m if most are unanswered. n.mu is held.
func (n *Notifier) dispatch(m Message, most int) {
	if n.waiting >= most {
		n.logger.Warn("notification not shown", "title", m.Title, "error", ErrBusy)
		return
	}
	n.waiting++
	late := time.AfterFunc(patience, func() {
		n.logger.Warn("notification not confirmed", "title", m.Title, "error", ErrBusy)
	})
	go func() {
		err := n.send(m)
		late.Stop()
		if err != nil {
			n.logger.Warn("notification not shown", "title", m.Title, "error", err)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.waiting--
		n.idle.Broadcast()
	}()
}

// native shows a message through beeep, which knows each system's way. Its
// urgent kind makes a sound, on Linux by ringing the terminal bell on standard
// output; a silent process shows the plain kind in its place.
func native(appName string, icon []byte, silent bool) func(Message) error {
	beeep.AppName = appName // a package variable there
	return func(m Message) error {
		if m.Urgency == Urgent && !silent {
			return beeep.Alert(m.Title, m.Body, icon)
		}
		return beeep.Notify(m.Title, m.Body, icon)
	}
}

// severityNames are what a notification calls P0 to P3.
var severityNames = [...]string{"Critical alert", "Serious alert", "Alert", "Notice"}
