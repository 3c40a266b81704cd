package metrics

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

// Events are the names of the events that a Collector counts.
func Events() []string {
	names := []string{audit.ProfileCreated, audit.ProfileDeleted, audit.ProfileRenamed, audit.ServerEnded, audit.CertificateSeen}
	for _, c := range counters() {
		names = append(names, c.events...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Collector counts events.
type Collector struct {
	profiles     map[string]labels // by id
	counters     []counter
	tallies      []tally            // of the counters
	sessions     tally              // by profile id and place in buckets
	seconds      tally              // of sessions, by profile id
	certificates map[string]float64 // host → end, Unix seconds
}

type labels struct {
	name, provider string
	current        bool // the profile exists, so its name wins over what events say
}

// NewCollector counts for the profiles of views under their present names.
func NewCollector(views []auth.ProfileView) *Collector {
	c := &Collector{profiles: map[string]labels{}, counters: counters(), sessions: tally{}, seconds: tally{}, certificates: map[string]float64{}}
	for _, v := range views {
		c.profiles[v.ID] = labels{v.Name, v.Provider, true}
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
			i, _ := slices.BinarySearch(buckets, v) // a bucket has its bound
			c.sessions.add(1, e.Profile, strconv.Itoa(i))
			c.seconds.add(v, e.Profile)
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
	l := c.profiles[e.Profile]
	if e.Profile == "" || l.current {
		return
	}
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
// One that nothing is counted for is left out: a number that cannot come
// would look as if it were watched.
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
	add("session_duration_seconds", Histogram, "seconds", "How long MCP servers ran while the machine was awake.", c.histogram())
	for _, g := range gauges {
		t := tally{}
		for _, p := range v.Profiles {
			if value, known := g.value(p, v.Now); known {
				t.add(value, p.Name, p.Provider)
			}
		}
		add(g.name, Gauge, g.unit, g.help, t.samples("", "profile", "provider"))
	}
	alerts, certificates := tally{}, tally{}
	for _, a := range v.Alerts {
		if a.State != alert.Resolved {
			alerts.add(1, a.Name, a.Rule, a.Severity.String(), string(a.State))
		}
	}
	for host, end := range c.certificates {
		certificates.add(end-float64(v.Now.Unix()), host)
	}
	add("certificate_remaining_seconds", Gauge, "seconds", "How long a provider's certificate is still valid.", certificates.samples("", "host"))
	add("alerts", Gauge, "", "Alerts that are open or acknowledged.", alerts.samples("", "profile", "rule", "severity", "state"))
	return list
}

// named turns a tally by profile id into one by name and provider. Profiles of
// one name and provider, one after the other, are one.
func (c *Collector) named(t tally) tally {
	out := tally{}
	for key, n := range t {
		values := strings.Split(key, sep)
		l := c.profiles[values[0]]
		out.add(n, append([]string{cmp.Or(l.name, values[0]), cmp.Or(l.provider, "unknown")}, values[1:]...)...)
	}
	return out
}

// histogram has the sessions of each profile.
func (c *Collector) histogram() (list []Sample) {
	sessions := c.named(c.sessions)
	for _, sum := range c.named(c.seconds).samples("_sum", "profile", "provider") {
		count := 0.0
		for i := range len(buckets) + 1 {
			bound := "+Inf"
			if i < len(buckets) {
				bound = strconv.FormatFloat(buckets[i], 'f', 1, 64)
			}
			count += sessions[strings.Join([]string{sum.Labels[0].Value, sum.Labels[1].Value, strconv.Itoa(i)}, sep)]
			list = append(list, Sample{"_bucket", append(slices.Clone(sum.Labels), Label{"le", bound}), count})
		}
		list = append(list, Sample{"_count", sum.Labels, count}, sum)
	}
	return list
}
