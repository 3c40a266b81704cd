package metrics

import (
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

// Families are all metrics, always in the same order.
func (c *Collector) Families(v View) []Family {
	counter := func(name, help string, samples []Sample) Family {
		return Family{Name: "stagedoor_" + name, Type: Counter, Help: help, Samples: samples}
	}
	list := []Family{
		{
			Name: "stagedoor_build", Type: Info, Help: "The program that made this text.",
			Samples: []Sample{{Suffix: "_info", Labels: []Label{{"version", v.Version}}, Value: 1}},
		},
		// Authentication.
		counter("login_attempts", "Logins by their outcome.", c.of(c.logins, "outcome")),
		counter("login_failures", "Failed logins by what went wrong.", c.of(c.loginsFailed, "reason")),
		counter("stray_callbacks", "Login answers that nobody asked for.", c.of(c.stray)),
		counter("token_refreshes", "Access tokens that were renewed.", c.of(c.refreshes)),
		counter("token_refresh_failures", "Refreshes that failed; transient means offline or the provider's own trouble.", c.of(c.refreshesFailed, "kind")),
		counter("token_rotations", "Refresh tokens that a provider replaced.", c.of(c.rotations)),
		counter("token_reuses", "Refresh tokens that were not rotated as expected or were used elsewhere.", c.of(c.reused)),
		counter("tokens_handed_out", "Access tokens given to a server or a script.", c.of(c.handedOut)),
		counter("token_revocations", "Revocations.", c.of(c.revoked)),
		counter("claims_changes", "Logins whose account, scope, issuer or endpoint differs from before.", c.of(c.changed, "event")),
		c.views(v),
		expiry("grant", "When a login itself ends, where that is known.", v.Profiles, func(p auth.ProfileView) time.Time { return p.GrantEnds }),
		expiry("access_token", "When the access token ends.", v.Profiles, func(p auth.ProfileView) time.Time { return p.Expires }),
		// Servers and their API.
		counter("servers_launched", "MCP servers that were started.", c.of(c.launched)),
		c.sessionFamily(),
		counter("api_errors", "Tool calls that failed, by HTTP status.", c.of(c.apiErrors, "status")),
		counter("api_rate_limited", "Tool calls that were refused because there were too many (429).", c.of(c.limited)),
		counter("api_unauthorized", "Tool calls that were refused for want of a right (401, 403).", c.of(c.refused)),
		counter("api_invalid_requests", "Tool calls that the provider could not read (400).", c.of(c.malformed)),
		// Infrastructure.
		{
			Name: "stagedoor_certificate_remaining_seconds", Type: Gauge, Unit: "seconds", Help: "How long a provider's certificate is still valid.",
			Samples: c.remaining(v.Now).samples("", "host"),
		},
		counter("tls_failures", "Certificates of providers that did not verify.", c.of(c.tls)),
		counter("client_config_changes", "Changes of our entries in MCP clients' configs.", c.configs.samples("_total", "client", "event")),
		counter("resource_access_violations", "Files and folders of Stagedoor that were open to other users.", single(c.violations)),
		counter("audit_verification_failures", "Verifications of the audit log that failed.", []Sample{{Suffix: "_total", Value: c.tampered}}),
		// Alerts and incidents.
		{
			Name: "stagedoor_alerts", Type: Gauge, Help: "Alerts that are open or acknowledged.",
			Samples: alertStates(v.Alerts).samples("", "rule", "severity", "state"),
		},
		counter("alerts_told", "Alerts that the user was told of.", c.told.samples("_total", "rule", "severity")),
		counter("incidents_opened", "Incident reports.", []Sample{{Suffix: "_total", Value: c.incidents}}),
	}
	return list
}

// of turns a tally by profile id into samples with name and provider. Profiles
// of one name and provider, one after the other, are one.
func (c *Collector) of(t tally, more ...string) []Sample {
	named := tally{}
	for key, n := range t {
		values := strings.Split(key, sep)
		l := c.label(values[0])
		named.add(n, append([]string{l.name, l.provider}, values[1:]...)...)
	}
	return named.samples("_total", append([]string{"profile", "provider"}, more...)...)
}

func (c *Collector) label(id string) labels {
	l := c.profiles[id]
	if l.name == "" {
		l.name = id
	}
	if l.provider == "" {
		l.provider = "unknown"
	}
	return l
}

func (c *Collector) sessionFamily() Family {
	f := Family{
		Name: "stagedoor_session_duration_seconds", Type: Histogram, Unit: "seconds",
		Help: "How long MCP servers ran while the machine was awake.",
	}
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
		h := merged[labels{s.Labels[0].Value, s.Labels[1].Value}]
		f.Samples = append(f.Samples, h.samples(s.Labels...)...)
	}
	return f
}

func (c *Collector) views(v View) Family {
	f := Family{Name: "stagedoor_login_active", Type: Gauge, Help: "Whether a profile has a login that works, as far as is known."}
	t := tally{}
	for _, p := range v.Profiles {
		if p.Status == auth.StatusUnknown {
			continue // the vault cannot be read: no answer is better than a wrong one
		}
		n := 0.0
		if p.Status == auth.StatusActive {
			n = 1
		}
		t.add(n, p.Name, p.Provider)
	}
	f.Samples = t.samples("", "profile", "provider")
	return f
}

func expiry(what, help string, views []auth.ProfileView, at func(auth.ProfileView) time.Time) Family {
	t := tally{}
	for _, p := range views {
		if end := at(p); !end.IsZero() {
			t.add(float64(end.Unix()), p.Name, p.Provider)
		}
	}
	return Family{
		Name: "stagedoor_" + what + "_expiry_timestamp_seconds", Type: Gauge, Unit: "seconds", Help: help,
		Samples: t.samples("", "profile", "provider"),
	}
}

// single is a tally without labels, which counts from zero.
func single(t tally) []Sample {
	n := 0.0
	for _, v := range t {
		n += v
	}
	return []Sample{{Suffix: "_total", Value: n}}
}
