package metrics

import (
	"slices"
	"strconv"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// Events are the names of the events that a Collector counts.
func Events() []string {
	return []string{
		audit.ProfileCreated, audit.ProfileDeleted, audit.ProfileRenamed,
		audit.LoginSucceeded, audit.LoginFailed, audit.LoginCancelled, audit.StrayCallback,
		audit.TokenRefreshed, audit.RefreshFailed, audit.TokenRotation, audit.ReuseDetected, audit.TokensRevoked, audit.KeychainAccess,
		audit.Launched, audit.ServerEnded, audit.APIError,
		audit.TLSFailed, audit.CertificateSeen, audit.EndpointChanged, audit.ClaimsChanged,
		audit.ConfigWritten, audit.ConfigRemoved, audit.ConfigDrift,
		audit.PermissionsFixed, audit.AuditTamper, audit.SecurityAlert, audit.IncidentOpened,
	}
}

// Collector counts events.
type Collector struct {
	profiles map[string]labels // by id; current ones win over what events say
	fixed    map[string]bool

	logins, loginsFailed, stray            tally
	refreshes, refreshesFailed             tally
	rotations, revoked, handedOut, reused  tally
	launched                               tally
	apiErrors, limited, refused, malformed tally
	tls, configs, violations, changed      tally
	told                                   tally
	incidents, tampered                    float64

	sessions     map[string]*histogram // by profile id
	certificates map[string]float64    // host → end, Unix seconds
}

type labels struct{ name, provider string }

// NewCollector counts for the profiles of views under their present names.
// Those that have no event yet count zero, so that a rate can be told from the
// first event on.
func NewCollector(views []auth.ProfileView) *Collector {
	c := &Collector{
		profiles: map[string]labels{}, fixed: map[string]bool{},
		logins: tally{}, loginsFailed: tally{}, stray: tally{}, refreshes: tally{}, refreshesFailed: tally{},
		rotations: tally{}, revoked: tally{}, handedOut: tally{}, reused: tally{}, launched: tally{},
		apiErrors: tally{}, limited: tally{}, refused: tally{}, malformed: tally{},
		tls: tally{}, configs: tally{}, violations: tally{}, changed: tally{}, told: tally{},
		sessions: map[string]*histogram{}, certificates: map[string]float64{},
	}
	for _, v := range views {
		c.profiles[v.ID], c.fixed[v.ID] = labels{v.Name, v.Provider}, true
		for _, outcome := range []string{"succeeded", "failed", "cancelled"} {
			c.logins.add(0, v.ID, outcome)
		}
		for _, t := range []tally{c.refreshes, c.limited, c.refused, c.malformed, c.handedOut, c.launched} {
			t.add(0, v.ID)
		}
		for _, kind := range []string{"transient", "needs_login", "other"} {
			c.refreshesFailed.add(0, v.ID, kind)
		}
	}
	return c
}

// Add counts an event.
func (c *Collector) Add(e audit.Event) {
	p := e.Profile
	c.meet(e)
	switch e.Name {
	case audit.LoginSucceeded:
		c.logins.add(1, p, "succeeded")
	case audit.LoginCancelled:
		c.logins.add(1, p, "cancelled")
	case audit.LoginFailed:
		c.logins.add(1, p, "failed")
		c.loginsFailed.add(1, p, word(e, "reason", "denied", "refused", "discovery", "not saved", "error"))
	case audit.StrayCallback:
		c.stray.add(1, p)
	case audit.TokenRefreshed:
		c.refreshes.add(1, p)
	case audit.RefreshFailed:
		kind := "other"
		if e.Data["needs_login"] == true {
			kind = "needs_login"
		} else if e.Data["transient"] == true {
			kind = "transient"
		}
		c.refreshesFailed.add(1, p, kind)
	case audit.TokenRotation:
		c.rotations.add(1, p)
	case audit.ReuseDetected:
		c.reused.add(1, p)
	case audit.TokensRevoked:
		if e.Outcome != audit.Failed { // else it is not confirmed, and is told of once a day
			c.revoked.add(1, p)
		}
	case audit.KeychainAccess:
		c.handedOut.add(1, p)
	case audit.Launched:
		c.launched.add(1, p)
	case audit.ServerEnded:
		if v, ok := e.Data["seconds"].(float64); ok && v >= 0 {
			if c.sessions[p] == nil {
				c.sessions[p] = &histogram{}
			}
			c.sessions[p].add(v)
		}
	case audit.APIError:
		c.apiError(e)
	case audit.TLSFailed:
		c.tls.add(1, p)
	case audit.CertificateSeen:
		host, _ := e.Data["host"].(string)
		if end, ok := e.Data["not_after"].(float64); ok && host != "" {
			c.certificates[host] = end
		}
	case audit.EndpointChanged, audit.ClaimsChanged:
		c.changed.add(1, p, e.Name)
	case audit.ConfigWritten, audit.ConfigRemoved, audit.ConfigDrift:
		if e.Outcome != audit.Failed {
			c.configs.add(1, word(e, "client"), e.Name)
		}
	case audit.PermissionsFixed:
		c.violations.add(1)
	case audit.AuditTamper:
		c.tampered++
	case audit.SecurityAlert:
		c.told.add(1, word(e, "rule"), word(e, "severity", "P0", "P1", "P2", "P3"))
	case audit.IncidentOpened:
		c.incidents++
	}
}

func (c *Collector) apiError(e audit.Event) {
	status, _ := e.Data["status"].(float64)
	code := "other"
	if status >= 100 && status < 600 {
		code = strconv.Itoa(int(status))
	}
	c.apiErrors.add(1, e.Profile, code)
	switch status {
	case 429:
		c.limited.add(1, e.Profile)
	case 401, 403:
		c.refused.add(1, e.Profile)
	case 400:
		c.malformed.add(1, e.Profile)
	}
}

// meet learns what a profile that is no more was called.
func (c *Collector) meet(e audit.Event) {
	if e.Profile == "" || c.fixed[e.Profile] {
		return
	}
	l := c.profiles[e.Profile]
	if name, ok := e.Data["name"].(string); ok && profile.CheckName(name) == nil {
		l.name = name
	}
	if e.Name == audit.ProfileCreated {
		l.provider = word(e, "provider")
	}
	c.profiles[e.Profile] = l
}

// word is a data value that is one of a few, or of those that names are made
// of; what is neither is "other", so that nobody's text becomes a label.
func word(e audit.Event, key string, known ...string) string {
	s, _ := e.Data[key].(string)
	if slices.Contains(known, s) || len(known) == 0 && profile.CheckName(s) == nil {
		return s
	}
	return "other"
}

// alertStates counts alerts that are open or acknowledged.
func alertStates(alerts []alert.Alert) tally {
	t := tally{}
	for _, a := range alerts {
		if a.State != alert.Resolved {
			t.add(1, a.Rule, a.Severity.String(), string(a.State))
		}
	}
	return t
}

// remaining is how long it is until each host's certificate ends, in seconds.
func (c *Collector) remaining(now time.Time) tally {
	t := tally{}
	for host, end := range c.certificates {
		t.add(end-float64(now.Unix()), host)
	}
	return t
}
