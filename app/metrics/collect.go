package metrics

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// Events are the names of the events that a Collector counts.
func Events() []string {
	names := map[string]bool{
		audit.ProfileCreated: true, audit.ProfileDeleted: true, audit.ProfileRenamed: true,
		audit.ServerEnded: true, audit.CertificateSeen: true,
	}
	for _, c := range counters() {
		for _, e := range c.events {
			names[e] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Collector counts events.
type Collector struct {
	profiles map[string]labels // by id; current ones win over what events say
	fixed    map[string]bool

	counters     []counter
	tallies      []tally               // of the counters
	sessions     map[string]*histogram // by profile id
	certificates map[string]float64    // host → end, Unix seconds
}

type labels struct{ name, provider string }

// NewCollector counts for the profiles of views under their present names.
func NewCollector(views []auth.ProfileView) *Collector {
	c := &Collector{
		profiles: map[string]labels{}, fixed: map[string]bool{},
		counters: counters(), sessions: map[string]*histogram{}, certificates: map[string]float64{},
	}
	for _, v := range views {
		c.profiles[v.ID], c.fixed[v.ID] = labels{v.Name, v.Provider}, true
	}
	for _, row := range c.counters {
		t := tally{}
		for _, zero := range row.zero {
			if row.global {
				t.add(0, zero...)
				continue
			}
			for _, v := range views {
				t.add(0, append([]string{v.ID}, zero...)...)
			}
		}
		c.tallies = append(c.tallies, t)
	}
	return c
}

// Add counts an event.
func (c *Collector) Add(e audit.Event) {
	c.meet(e)
	for i, row := range c.counters {
		if !slices.Contains(row.events, e.Name) {
			continue
		}
		values := []string{}
		if row.values != nil {
			values = row.values(e)
		}
		switch {
		case values == nil:
		case row.global:
			c.tallies[i].add(1, values...)
		default:
			c.tallies[i].add(1, append([]string{e.Profile}, values...)...)
		}
	}
	switch e.Name {
	case audit.ServerEnded:
		if v, ok := e.Data["seconds"].(float64); ok && v >= 0 {
			if c.sessions[e.Profile] == nil {
				c.sessions[e.Profile] = &histogram{}
			}
			c.sessions[e.Profile].add(v)
		}
	case audit.CertificateSeen:
		host, _ := e.Data["host"].(string)
		if end, ok := e.Data["not_after"].(float64); ok && host != "" {
			c.certificates[host] = end
		}
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

// View is what is known besides the log.
type View struct {
	Version  string
	Profiles []auth.ProfileView
	Alerts   []alert.Alert
	Now      time.Time
}

// Families are all metrics that have something to say, always in the same order.
// One that nothing is counted for is left out: nobody should wait for a number
// that cannot come.
func (c *Collector) Families(v View) []Family {
	list := []Family{{
		Name: "stagedoor_build", Type: Info, Help: "The program that made this text.",
		Samples: []Sample{{Suffix: "_info", Labels: []Label{{"version", v.Version}}, Value: 1}},
	}}
	add := func(name string, t Type, unit, help string, samples []Sample) {
		if len(samples) > 0 {
			list = append(list, Family{"stagedoor_" + name, t, unit, help, samples})
		}
	}
	for i, row := range c.counters {
		samples := c.tallies[i].samples("_total", row.labels...)
		if !row.global {
			samples = c.named(c.tallies[i]).samples("_total", append([]string{"profile", "provider"}, row.labels...)...)
		}
		add(row.name, Counter, "", row.help, samples)
	}
	add("session_duration_seconds", Histogram, "seconds", "How long MCP servers ran while the machine was awake.", c.sessionSamples())

	active, grants, tokens, alerts, certificates := tally{}, tally{}, tally{}, tally{}, tally{}
	for _, p := range v.Profiles {
		if p.Status == auth.StatusActive {
			active.add(1, p.Name, p.Provider)
		} else if p.Status != auth.StatusUnknown { // the vault cannot be read: no answer is better than a wrong one
			active.add(0, p.Name, p.Provider)
		}
		if !p.GrantEnds.IsZero() {
			grants.add(float64(p.GrantEnds.Unix()), p.Name, p.Provider)
		}
		if !p.Expires.IsZero() {
			tokens.add(float64(p.Expires.Unix()), p.Name, p.Provider)
		}
	}
	for _, a := range v.Alerts {
		if a.State != alert.Resolved {
			alerts.add(1, a.Rule, a.Severity.String(), string(a.State))
		}
	}
	for host, end := range c.certificates {
		certificates.add(end-float64(v.Now.Unix()), host)
	}
	add("login_active", Gauge, "", "Whether a profile has a login that works, as far as is known.", active.samples("", "profile", "provider"))
	add("grant_expiry_timestamp_seconds", Gauge, "seconds", "When a login itself ends, where that is known.", grants.samples("", "profile", "provider"))
	add("access_token_expiry_timestamp_seconds", Gauge, "seconds", "When the access token ends.", tokens.samples("", "profile", "provider"))
	add("certificate_remaining_seconds", Gauge, "seconds", "How long a provider's certificate is still valid.", certificates.samples("", "host"))
	add("alerts", Gauge, "", "Alerts that are open or acknowledged.", alerts.samples("", "rule", "severity", "state"))
	return list
}

// named turns a tally by profile id into one by name and provider. Profiles of
// one name and provider, one after the other, are one.
func (c *Collector) named(t tally) tally {
	out := tally{}
	for key, n := range t {
		values := strings.Split(key, sep)
		l := c.label(values[0])
		out.add(n, append([]string{l.name, l.provider}, values[1:]...)...)
	}
	return out
}

func (c *Collector) label(id string) labels {
	l := c.profiles[id]
	return labels{cmp.Or(l.name, id), cmp.Or(l.provider, "unknown")}
}

func (c *Collector) sessionSamples() (list []Sample) {
	merged := map[labels]*histogram{}
	order := tally{}
	for id, h := range c.sessions {
		l := c.label(id)
		if merged[l] == nil {
			merged[l] = &histogram{}
			order.add(0, l.name, l.provider)
		}
		for i, n := range h.counts {
			merged[l].counts[i] += n
		}
		merged[l].sum += h.sum
	}
	for _, s := range order.samples("", "profile", "provider") {
		list = append(list, merged[labels{s.Labels[0].Value, s.Labels[1].Value}].samples(s.Labels...)...)
	}
	return list
}
