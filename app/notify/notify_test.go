package notify

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/alert"
)

// screen records what would be shown.
type screen struct {
	mu    sync.Mutex
	shown []Message
}

func (s *screen) send(m Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = append(s.shown, m)
	return nil
}

func (s *screen) messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.shown...)
}

func newNotifier(t *testing.T, send func(Message) error) *Notifier {
	t.Helper()
	n, err := New(Params{Now: time.Now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Send: send})
	if err != nil {
		t.Fatal(err)
	}
	n.goos = "linux"
	return n
}

func TestAlert(t *testing.T) {
	for _, c := range []struct {
		severity alert.Severity
		profile  string
		want     Message
	}{
		{alert.P0, "work", Message{"Critical alert: work", "odd", Urgent}},
		{alert.P1, "", Message{"Serious alert", "odd", Urgent}},
		{alert.P2, "work", Message{"Alert: work", "odd", Normal}},
		{alert.P3, "work", Message{"Notice: work", "odd", Normal}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var s screen
			newNotifier(t, s.send).Alert(alert.Alert{Severity: c.severity, Message: "odd"}, c.profile)
			synctest.Wait()
			if diff := cmp.Diff([]Message{c.want}, s.messages()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The title has the name already.
func TestAlertNamesTheProfileOnce(t *testing.T) {
	for _, c := range []struct{ profile, message, title, body string }{
		{"work", "work: 6 failed logins", "Alert: work", "6 failed logins"},
		{"new", "old: 6 failed logins", "Alert: new", "old: 6 failed logins"}, // renamed since
		{"", "work: 6 failed logins", "Alert", "work: 6 failed logins"},
		{"work", "workers: 6 failed logins", "Alert: work", "workers: 6 failed logins"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var s screen
			newNotifier(t, s.send).Alert(alert.Alert{Severity: alert.P2, Message: c.message}, c.profile)
			synctest.Wait()
			if diff := cmp.Diff([]Message{{c.title, c.body, Normal}}, s.messages()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Neither serious alerts nor forged critical ones use up what a critical alert
// needs, also while the daemon has not answered those yet.
func TestAFloodKeepsNoCriticalAlertBack(t *testing.T) {
	for name, flood := range map[string]alert.Alert{
		"serious":          {Severity: alert.P1, Message: "odd"},
		"critical, forged": {Severity: alert.P0, Message: "odd", Unverified: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var s screen
			answer := make(chan struct{})
			n := newNotifier(t, func(m Message) error {
				_ = s.send(m)
				<-answer
				return nil
			})
			for range 20 {
				n.Alert(flood, "work")
				time.Sleep(time.Minute) // the budget comes back, an answer does not
			}
			for range 20 {
				n.Alert(flood, "work")
			}
			n.Alert(alert.Alert{Severity: alert.P0, Message: "grave"}, "work")
			synctest.Wait()
			close(answer)
			n.Close(t.Context())
			if !slices.ContainsFunc(s.messages(), func(m Message) bool { return m.Body == "grave" }) {
				t.Errorf("%s: the critical alert was held back", name)
			}
		})
	}
}

// Fifty alerts at once must not bury the desktop, and none may be lost without
// a word.
func TestFloodIsGrouped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		n := newNotifier(t, s.send)
		for range 50 {
			n.Alert(alert.Alert{Severity: alert.P2, Message: "odd"}, "work")
		}
		synctest.Wait()
		if got := len(s.messages()); got != perMinute-1 {
			t.Errorf("%d notifications at once, want %d", got, perMinute-1)
		}

		n.Alert(alert.Alert{Severity: alert.P0, Message: "grave"}, "work")
		synctest.Wait()
		if got := s.messages(); got[len(got)-1].Body != "grave" {
			t.Error("a critical alert was held back by a flood of small ones")
		}

		time.Sleep(time.Minute)
		synctest.Wait()
		got := s.messages()
		if want := "odd (and 45 more: open the log)"; got[len(got)-1].Body != want {
			t.Errorf("the last notification says %q, want %q", got[len(got)-1].Body, want)
		}
		if len(got) != perMinute+1 {
			t.Errorf("%d notifications in all, want %d", len(got), perMinute+1)
		}
		n.Close(t.Context())
	})
}

// Results of one's own clicks keep no alert away, and of the alerts that are held
// back the gravest is named.
func TestAlertsHaveABudgetOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		n := newNotifier(t, s.send)
		for range 10 {
			n.Info("title", "a click")
		}
		for range 3 {
			n.Alert(alert.Alert{Severity: alert.P2, Message: "odd"}, "")
		}
		synctest.Wait()
		shown := 0
		for _, m := range s.messages() {
			if m.Body == "odd" {
				shown++
			}
		}
		if shown != 3 {
			t.Errorf("%d of three alerts after ten clicks", shown)
		}
		for range 5 {
			n.Alert(alert.Alert{Severity: alert.P3, Message: "small"}, "")
		}
		n.Alert(alert.Alert{Severity: alert.P2, Message: "the gravest of them"}, "")
		n.Alert(alert.Alert{Severity: alert.P3, Message: "small"}, "")
		time.Sleep(time.Minute)
		synctest.Wait()
		got := s.messages()
		if last := got[len(got)-1]; !strings.HasPrefix(last.Body, "the gravest of them (and ") || last.Title != "Alert" {
			t.Errorf("the summary is %+v", last)
		}
		n.Close(t.Context())
	})
}

func TestBudgetComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		n := newNotifier(t, s.send)
		for range 20 {
			n.Info("title", "")
			time.Sleep(refill)
		}
		synctest.Wait()
		if got := len(s.messages()); got != 20 {
			t.Errorf("%d of 20 slow notifications were shown", got)
		}
	})
}

// A notification daemon that hangs must cost the tray neither a click nor memory.
func TestHangingDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var mu sync.Mutex
		calls := 0
		n := newNotifier(t, func(Message) error {
			mu.Lock()
			calls++
			mu.Unlock()
			<-release
			return errors.New("gone")
		})
		for range 2 * maxWait {
			n.Info("title", "body")
			time.Sleep(refill)
		}
		synctest.Wait()
		mu.Lock()
		if calls != maxWait {
			t.Errorf("%d messages wait for the daemon, want at most %d", calls, maxWait)
		}
		mu.Unlock()

		n.Close(context.Background()) // returns although the daemon does not
		close(release)
	})
}

func TestCloseWaitsForWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		n := newNotifier(t, func(m Message) error {
			time.Sleep(time.Second)
			return s.send(m)
		})
		n.Info("title", "body")
		n.Close(t.Context())
		if len(s.messages()) != 1 {
			t.Error("the process would have ended before its last notification was shown")
		}
		n.Info("late", "")
		synctest.Wait()
		if len(s.messages()) != 1 {
			t.Error("a closed notifier let a message through")
		}
	})
}

func TestCleanBody(t *testing.T) {
	secret := "BQDx" + strings.Repeat("a1B_", 12)
	for name, c := range map[string]struct{ in, goos, want string }{
		"plain":               {"Signed in as Ada", "linux", "Signed in as Ada"},
		"markup":              {`<a href="x">A & B</a>`, "linux", `&lt;a href="x"&gt;A &amp; B&lt;/a&gt;`},
		"no markup elsewhere": {"A & B <c>", "darwin", "A & B <c>"},
		"control characters":  {"a\x00b\x1b[31mc\td\ne", "linux", "ab[31mc d\ne"},
		"direction":           {"a\u202eb\u2066c", "linux", "abc"},
		"not utf-8":           {"a\xffb", "linux", "ab"},
		"toast":               {"a]]]]>>b", "windows", "a]]]] >>b"},
		"option":              {"--help me", "linux", "help me"},
		"access token":        {"got " + secret + ".", "linux", "got [redacted]"},
		"jwt":                 {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "linux", "[redacted]"},
		"hex":                 {"key 0123456789abcdef0123456789abcdef", "linux", "key [redacted]"},
		"code in a url":       {"http://127.0.0.1:8888/callback?code=" + secret + "&state=x", "darwin", "http://127.0.0.1:8888/callback?code=[redacted]&state=x"},
		"path":                {"/home/ada/.config/Claude/claude_desktop_config.json", "linux", "/home/ada/.config/Claude/claude_desktop_config.json"},
		"page":                {"https://www.spotify.com/account/apps/", "linux", "https://www.spotify.com/account/apps/"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cleanBody(c.in, c.goos); got != c.want {
				t.Errorf("cleanBody(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

// Whatever comes in, what goes out is short and holds no long token, also when
// the cut would fall into one.
func FuzzClean(f *testing.F) {
	f.Add(strings.Repeat("x ", 95) + strings.Repeat("aB3", 30))
	f.Add("<b>&")
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{plain(s), cleanTitle(s)} {
			if n := len([]rune(got)); n > maxRunes {
				t.Errorf("%d runes", n)
			}
			for _, word := range tokenRun().FindAllString(got, -1) {
				if looksSecret(word) {
					t.Errorf("%q shows %q", got, word)
				}
			}
		}
		if strings.ContainsAny(cleanBody(s, "linux"), "<>") {
			t.Error("markup reaches the daemon")
		}
	})
}

// A flood of small things must leave room for a serious one.
func TestSeriousAlertComesThroughAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		n := newNotifier(t, s.send)
		for range 50 {
			n.Alert(alert.Alert{Severity: alert.P2, Message: "odd"}, "work")
		}
		n.Alert(alert.Alert{Severity: alert.P1, Message: "serious"}, "work")
		synctest.Wait()
		if !slices.ContainsFunc(s.messages(), func(m Message) bool { return m.Body == "serious" }) {
			t.Errorf("the serious alert was held back: %+v", s.messages())
		}
		n.Close(t.Context())
	})
}
