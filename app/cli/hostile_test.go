package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/app/settings"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// evil clears the screen with 7 bits and with 8, turns the line around, hides,
// and goes on in a line of its own.
const evil = "Ada\x1b[2J\u009b2J\x9b2J\u202eevil\u2066\u200b\u3164\u2028stagedoor: all is well\x07"

// hostileKeeper has evil wherever somebody else chooses the words.
type hostileKeeper struct {
	loginKeeper
}

func (hostileKeeper) State(context.Context) (auth.State, error) {
	return auth.State{
		Profiles:     []auth.ProfileView{{Name: "work", ProviderName: evil, Account: evil, Status: auth.Status(evil), Vault: evil}},
		VaultProblem: evil, VaultHint: evil,
	}, nil
}

func (hostileKeeper) Events(context.Context, audit.Query) ([]audit.Event, error) {
	return []audit.Event{{
		Seq: 1, Name: evil, Actor: evil, Outcome: evil, Profile: evil, Data: map[string]any{"name": evil, evil: evil, "n": 1.0},
	}}, nil
}

func (hostileKeeper) Alerts(context.Context) ([]alert.Alert, error) {
	return []alert.Alert{{ID: evil, Rule: evil, State: alert.Open, Message: evil, Key: evil, Profile: "p", Name: evil}}, nil
}

func (hostileKeeper) ProfileNames(context.Context) (map[string]string, error) {
	return nil, errors.New(evil)
}

func (hostileKeeper) Incidents(context.Context) ([]auth.Incident, error) {
	return []auth.Incident{{ID: "SEC-2026-01-02-001", Severity: evil, Status: auth.IncidentStatus(evil), Profiles: evil, Alerts: evil}}, nil
}

func (hostileKeeper) EachEvent(_ context.Context, _ []string, each func(audit.Event)) error {
	each(audit.Event{Name: audit.IncidentOpened, Data: map[string]any{"id": "SEC-2026-01-02-001", "severity": evil, "profiles": evil, "alerts": evil}})
	return nil
}

func (hostileKeeper) Login(context.Context, string, auth.LoginOptions) (auth.LoginResult, error) {
	return auth.LoginResult{Profile: "work", Account: evil, Scopes: []string{evil}}, nil
}

func (hostileKeeper) Revoke(context.Context, string) (auth.RevokeResult, error) {
	return auth.RevokeResult{Profile: "work", Message: evil}, nil
}

func (hostileKeeper) UndoLost(context.Context) error { return nil }

func (hostileKeeper) Use(context.Context, string) error {
	return hint.Wrap(errors.New(evil), evil)
}

func (hostileKeeper) Names() ([]string, error) { return []string{"work"}, nil }
func (hostileKeeper) Profile(string) (profile.Profile, error) {
	return profile.Profile{Name: "work"}, nil
}

func (hostileKeeper) ProfilesCalled(context.Context, string) ([]auth.PastProfile, error) {
	return []auth.PastProfile{{ID: "work", Name: "work", Exists: true}, {ID: evil, Name: evil}}, nil
}
func (hostileKeeper) Watch(context.Context) (<-chan struct{}, error) { return nil, nil }

func (hostileKeeper) LoginDevice(context.Context, string, func(auth.DeviceCode)) (auth.LoginResult, error) {
	return auth.LoginResult{}, errors.ErrUnsupported
}

// A provider, or whoever can write a file of ours, must not be able to steer
// the user's terminal or to write lines in our name.
func TestWordsOfOthersDoNotSteerTheTerminal(t *testing.T) {
	var k hostileKeeper
	ctx := t.Context()
	for name, work := range map[string]func(*Factory) error{
		"profiles":      func(f *Factory) error { return profilesRun(ctx, f, k, &jsonOptions{}) },
		"audit":         func(f *Factory) error { return auditRun(ctx, f, k, &auditOptions{}) },
		"alerts":        func(f *Factory) error { return alertsRun(ctx, f, k, &alertsOptions{}) },
		"alerts --all":  func(f *Factory) error { return alertsRun(ctx, f, k, &alertsOptions{all: true}) },
		"incident list": func(f *Factory) error { return incidentListRun(ctx, f, k, &jsonOptions{}) },
		"login work":    func(f *Factory) error { return loginRun(ctx, f, k, &loginOptions{profile: "work"}) },
		"revoke work":   func(f *Factory) error { return revokeRun(ctx, f, k, &revokeOptions{profile: "work"}) },
		"use work":      func(f *Factory) error { return useRun(ctx, f, k, &profileOptions{"work"}) },
	} {
		var out bytes.Buffer
		f := &Factory{
			Out: &out, Err: &out, Now: time.Now,
			Settings: func() (*settings.Store, error) { return nil, errors.New(evil) },
			Folder:   func(string) (string, error) { return t.TempDir(), nil },
		}
		f.report(work(f))
		if !strings.Contains(out.String(), "Ada") {
			t.Errorf("%s: it is not shown at all:\n%s", name, out.String())
		}
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSuffix(line, "\n"); strings.ContainsFunc(line, text.Hidden) || strings.HasPrefix(line, "stagedoor: all is well") {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
}
