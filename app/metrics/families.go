package metrics

import (
	"cmp"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
)

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
