package alert

import (
	"regexp"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Defaults returns the built-in rules, with the thresholds of the security
// policy that the product ships with. The slice is the caller's.
func Defaults() []Rule {
	return slices.Concat(loginRules(), tokenRules(), serverRules(), houseRules())
}

// Grave reports whether an event can be behind a P0 or P1, so that a process
// that wrote it should see to it that the user hears of it.
func Grave(rules []Rule, e audit.Event) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool {
		if r.Off || !slices.Contains(r.Events, e.Name) || r.Where != nil && !r.Where(e) {
			return false
		}
		if r.SeverityOf != nil {
			return r.SeverityOf(e) <= P1
		}
		return r.Severity <= P1
	})
}

// gone are the events after which a profile's login is no concern any more.
var gone = []string{audit.TokensRevoked, audit.ProfileDeleted}

func isTrue(e audit.Event, key string) bool { return e.Data[key] == true }

// text is a data value if it is a string that is harmless to show, else "".
func text(e audit.Event, key string) string {
	if s, ok := e.Data[key].(string); ok && plain(s) {
		return s
	}
	return ""
}

// plain reports whether s is harmless in a notification: what profile names
// and our own words are made of, and nothing that could be markup.
func plain(s string) bool { return len(s) <= 64 && plainText.MatchString(s) }

// The lengths stand outside of the patterns: a counted repetition takes a
// millisecond to compile, at every start.
var (
	plainText = regexp.MustCompile(`\A[a-z0-9_ -]+\z`)
	hostName  = regexp.MustCompile(`\A[a-zA-Z0-9.:-]+\z`)
)

// host is a data value if it looks like a host name, else "".
func host(e audit.Event, key string) string {
	s, _ := e.Data[key].(string)
	if len(s) > 253 {
		return ""
	}
	return hostName.FindString(s)
}

// everyone is the key of a rule about something there is one of.
func everyone(audit.Event) string { return "" }
