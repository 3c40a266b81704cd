package alert

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// firing is what made a rule fire, and what its message can speak of.
type firing struct {
	severity Severity
	which    int         // of the rule's Cases, or -1
	n        int         // how many events are behind it
	tries    int         // of a Ratio
	value    float64     // of a Baseline
	median   float64     // of a Baseline, 0 if too little is known
	newest   audit.Event // the one that made it fire
	// Of an alert that was carried forward: the whole message, and what goes with it.
	text, title, advice string
}

// message puts the profile's name in front, as it was at that time.
func (f *firing) message(r *Rule) string {
	if f.text != "" {
		return f.text
	}
	text := r.Message
	if f.which >= 0 {
		text = cmp.Or(r.Cases[f.which].Message, text)
	}
	text = os.Expand(text, func(name string) string { return f.variable(r, name) })
	if !f.newest.Verified && f.newest.Name != audit.AuditTamper { // which is about just that
		text += " (says a line of the log that is not verified)"
	}
	if name := plainText(f.newest, "name"); name != "" && !r.shared() {
		return name + ": " + text
	}
	return text
}

// variable is what a name in a rule's message stands for.
func (f *firing) variable(r *Rule, name string) string {
	e := f.newest
	switch name {
	case "n":
		return strconv.Itoa(f.n)
	case "tries":
		return strconv.Itoa(f.tries)
	case "window":
		return span(r.Window)
	case "age": // of what the event is about
		return span(time.Duration(number(e.Data["age_days"])) * day)
	case "secret": // which one is old
		if e.Data["api_key"] == true {
			return "API key"
		}
		return "client secret"
	case "value":
		return span(time.Duration(f.value) * time.Second)
	case "usually":
		if f.median > 0 && f.value <= r.Window.Seconds() {
			return ", which is usually " + span(time.Duration(f.median)*time.Second)
		}
	case "hour":
		return strconv.Itoa(r.local(e.Time).Hour())
	case "days": // of the event, as a length of time
		return span(time.Duration(max(int(number(e.Data["days"])), 1)) * day)
	case "host":
		return cmp.Or(hostName(e, "host"), "the provider")
	case "setting":
		return cmp.Or(madeOf(e, "key", 64, "abcdefghijklmnopqrstuvwxyz0123456789_."), "a setting")
	case "now":
		return hostName(e, "now")
	case "what": // differs: see claims_changed
		s, _ := e.Data["what"].(string)
		what := strings.Split(s, ",")
		if slices.ContainsFunc(what, func(w string) bool { return w != "account" && w != "issuer" && w != "scope" }) {
			return "account or scope"
		}
		return strings.Join(what, " and ")
	case "part": // of the profile, that differs: see endpoint_changed
		part := strings.ReplaceAll(plainText(e, "what"), "_", " ")
		if slices.Contains([]string{"token", "authorization", "revocation", "device authorization", "userinfo"}, part) {
			part += " endpoint"
		}
		return cmp.Or(part, "address")
	default:
		return strings.ReplaceAll(plainText(e, name), "_", " ")
	}
	return ""
}

// span says a length of time for people: "10 minutes".
func span(w time.Duration) string {
	n, unit := int(w.Minutes()), "minute"
	switch {
	case w >= 48*time.Hour:
		n, unit = int(w.Hours()/24), "day"
	case w >= 2*time.Hour:
		n, unit = int(w.Hours()), "hour"
	case w < time.Minute:
		n, unit = int(w.Seconds()), "second"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// plainText is a data value if it is harmless in a notification: what profile
// names and our own words are made of, and nothing that could be markup.
func plainText(e audit.Event, key string) string {
	return madeOf(e, key, 64, "abcdefghijklmnopqrstuvwxyz0123456789_ -")
}

// hostName is a data value if it looks like a host name, else "".
func hostName(e audit.Event, key string) string {
	return madeOf(e, key, 253, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-")
}

func madeOf(e audit.Event, key string, longest int, letters string) string {
	s, _ := e.Data[key].(string)
	if len(s) > longest || strings.Trim(s, letters) != "" {
		return ""
	}
	return s
}

// number reads a count, which is a float64 in an event that was read back and
// may be an int in one that was not.
func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	}
	return 0
}
