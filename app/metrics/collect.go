package metrics

import (
	"maps"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth"
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
