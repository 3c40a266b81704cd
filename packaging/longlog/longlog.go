//go:build linux

// Package longlog makes up an audit log of any length in a virtual desktop, for
// measurements and pictures, with the key that the app made.
package longlog

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// Options say what to make up.
type Options struct {
	Events   int
	Span     time.Duration // that they are spread over, up to now
	Profiles []string      // ids; made up where there are none
	Human    bool          // less at night and on Sundays
	Odd      bool          // ends with events that raise alerts of three severities
}

// Dir is where the app keeps its audit log on the desktop.
func Dir(d *desktop.Desktop) string {
	return filepath.Join(d.Home(), ".local", "share", "stagedoor", "audit")
}

// Write replaces the log with a made-up one. The app must have written to its log
// before, so that there is a key, and must not run.
func Write(ctx context.Context, d *desktop.Desktop, o Options) error {
	key, err := auditKey(ctx, d)
	if err != nil {
		return err
	}
	// The lines there are began today, and a log starts in the past: they go, and
	// the anchor goes with them.
	if err := os.RemoveAll(Dir(d)); err != nil {
		return err
	}
	if err := os.MkdirAll(Dir(d), 0o700); err != nil {
		return err
	}
	if err := forgetAnchor(ctx, d, key); err != nil {
		return err
	}
	return o.write(ctx, Dir(d), key)
}

// batch is how many events are written at once, so that they cost one sync.
const batch = 1000

func (o Options) write(ctx context.Context, dir string, key []byte) error {
	if len(o.Profiles) == 0 {
		o.Profiles = []string{"0000000000000001", "0000000000000002", "0000000000000003"}
	}
	var events []audit.Event
	var times []time.Time // of those that have no line yet
	log, err := audit.Open(audit.Params{
		Dir: dir, Actor: "launcher", PID: 4711,
		Now: func() (at time.Time) {
			if len(times) > 0 {
				at, times = times[0], times[1:]
			}
			return at
		},
		Key: func(context.Context) ([]byte, error) { return key, nil },
	})
	if err != nil {
		return err
	}
	add := func(e audit.Event, at time.Time) (err error) {
		if events, times = append(events, e), append(times, at); len(events) == batch {
			_, err = log.Append(ctx, events...)
			events, times = nil, nil
		}
		return err
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same log every time
	from := time.Now().UTC().Add(-o.Span)
	for i := range o.Events {
		at := from.Add(time.Duration(float64(o.Span) * float64(i) / float64(o.Events)))
		if o.Human && !awake(at, random) {
			continue
		}
		e := someEvent(random)
		e.Profile = o.Profiles[random.IntN(len(o.Profiles))]
		if err := add(e, at); err != nil {
			return err
		}
	}
	if o.Odd {
		for i, e := range oddEvents {
			e.Profile = o.Profiles[0]
			if err := add(e, time.Now().UTC().Add(-time.Duration(len(oddEvents)-i)*time.Second)); err != nil {
				return err
			}
		}
	}
	if len(events) > 0 {
		_, err = log.Append(ctx, events...)
	}
	return err
}

func event(name, outcome string, data map[string]any) audit.Event {
	return audit.Event{Name: name, Outcome: outcome, Data: data}
}

// oddEvents raise alerts of three severities.
var oddEvents = []audit.Event{
	event(audit.ReuseDetected, audit.Failed, map[string]any{"kind": "invalid_grant_on_current"}),
	event(audit.APIError, audit.Failed, map[string]any{"calls": 40, "status": 401}),
	event(audit.APIError, audit.Failed, map[string]any{"calls": 41, "status": 401}),
	event(audit.ScopeNarrowed, audit.OK, map[string]any{"lost": "email"}),
	event(audit.EndpointChanged, audit.Failed, map[string]any{"before": "login.example.com", "now": "login.example.net", "what": "token endpoint"}),
	event(audit.APIError, audit.Failed, map[string]any{"calls": 60, "status": 429}),
	event(audit.APIError, audit.Failed, map[string]any{"calls": 61, "status": 429}),
	event(audit.APIError, audit.Failed, map[string]any{"calls": 62, "status": 429}),
}

func awake(at time.Time, r *rand.Rand) bool {
	share := 1.0
	if h := at.Hour(); h < 7 || h > 20 {
		share = 0.08
	}
	if at.Weekday() == time.Sunday {
		share *= 0.3
	}
	return r.Float64() < share
}

// someEvent makes up an event as a busy year has them.
func someEvent(r *rand.Rand) audit.Event {
	switch n := r.IntN(1000); {
	case n < 700:
		return event(audit.KeychainAccess, audit.OK, map[string]any{"purpose": "run", "storage": "keychain"})
	case n < 830:
		return event(audit.TokenRefreshed, audit.OK, map[string]any{"expires_in": 3600, "rotated": true})
	case n < 930:
		return event(audit.TokenRotation, audit.OK, map[string]any{"new": "5f2c9a01", "old": "91be7d44"})
	case n < 965:
		return event(audit.Launched, audit.OK, map[string]any{"recipe": "spotify"})
	case n < 990:
		return event(audit.LoginSucceeded, audit.OK, map[string]any{"account": "Ada"})
	case n < 994:
		return event(audit.RefreshFailed, audit.Failed, map[string]any{"http_status": 503, "transient": true})
	case n < 997:
		return event(audit.LoginFailed, audit.Failed, map[string]any{"reason": "access_denied"})
	}
	return event(audit.TokensRevoked, audit.OK, map[string]any{"remote": "revoked"})
}

// item is where the app keeps the log's key and anchor. Its name begins with the
// state folder's id.
func item(d *desktop.Desktop) ([]string, error) {
	id, err := os.ReadFile(filepath.Join(filepath.Dir(Dir(d)), "folder-id"))
	if err != nil {
		return nil, err
	}
	return []string{"service", "stagedoor", "username", strings.Fields(string(id))[0] + "/audit/book"}, nil
}

// auditKey reads the key that the app made from the throwaway keyring.
func auditKey(ctx context.Context, d *desktop.Desktop) ([]byte, error) {
	names, err := item(d)
	if err != nil {
		return nil, err
	}
	found, err := d.SecretSearch(ctx, map[string]string{names[0]: names[1], names[2]: names[3]})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("the keyring has no audit key")
	}
	var item struct{ Key string }
	if err := json.Unmarshal([]byte(found[0].Secret), &item); err != nil {
		return nil, errors.New("the audit key in the keyring is of another form")
	}
	return hex.DecodeString(item.Key)
}

// forgetAnchor leaves only the key in the item.
func forgetAnchor(ctx context.Context, d *desktop.Desktop, key []byte) error {
	names, err := item(d)
	if err != nil {
		return err
	}
	cmd := d.Command(ctx, "secret-tool", append([]string{"store", "--label=Stagedoor"}, names...)...)
	cmd.Stdin = strings.NewReader(fmt.Sprintf(`{"key":"%x"}`, key))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("forget the anchor: %w: %s", err, out)
	}
	return nil
}
