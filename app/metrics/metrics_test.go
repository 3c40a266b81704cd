package metrics

import (
	"bufio"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// exposition is OpenMetrics text as the specification (1.0.0, sections "Text
// format" and "Metric types") has it, read without any forbearance.
type exposition struct {
	types   map[string]string
	samples map[string]float64 // name{labels} as written → value
}

func parse(text string) (*exposition, error) {
	x := &exposition{types: map[string]string{}, samples: map[string]float64{}}
	if lines := "\n" + text; !strings.HasSuffix(lines, "\n# EOF\n") || strings.Count(lines, "\n# EOF\n") != 1 {
		return nil, fmt.Errorf("it does not end with # EOF")
	}
	family, described := "", map[string]bool{}
	buckets := map[string]float64{}
	scan := bufio.NewScanner(strings.NewReader(text))
	for n := 1; scan.Scan(); n++ {
		line := scan.Text()
		bad := func(format string, args ...any) error {
			return fmt.Errorf("line %d, %q: %s", n, line, fmt.Sprintf(format, args...))
		}
		if line == "# EOF" {
			break
		}
		if rest, ok := strings.CutPrefix(line, "# "); ok {
			parts := strings.SplitN(rest, " ", 3)
			if len(parts) != 3 {
				return nil, bad("no metadata")
			}
			kind, name, value := parts[0], parts[1], parts[2]
			if !metricName.MatchString(name) {
				return nil, bad("no name")
			}
			if described[kind+name] {
				return nil, bad("a second %s", kind)
			}
			described[kind+name] = true
			switch kind {
			case "TYPE":
				if _, ok := x.types[name]; ok {
					return nil, bad("families must not be interleaved")
				}
				if !strings.Contains(" gauge counter histogram info ", " "+value+" ") {
					return nil, bad("no type")
				}
				for other := range x.types { // a family must not be able to clash with another's samples
					for _, suffix := range []string{"_total", "_created", "_count", "_sum", "_bucket", "_info"} {
						if other+suffix == name || name+suffix == other {
							return nil, bad("clashes with %s", other)
						}
					}
				}
				x.types[name], family = value, name
			case "UNIT":
				if name != family || !strings.HasSuffix(name, "_"+value) || x.types[name] == "info" {
					return nil, bad("a unit must be the last word of its family's name")
				}
			case "HELP":
				if name != family || strings.Contains(strings.NewReplacer(`\\`, "", `\n`, "", `\"`, "").Replace(value), `\`) {
					return nil, bad("help")
				}
			default:
				return nil, bad("no such metadata")
			}
			continue
		}
		name, labels, value, err := sample(line)
		if err != nil {
			return nil, bad("%v", err)
		}
		suffix, ok := strings.CutPrefix(name, family)
		if !ok || family == "" {
			return nil, bad("not of the family %s", family)
		}
		allowed := map[string]string{"gauge": "|", "counter": "|_total|", "info": "|_info|", "histogram": "|_bucket|_count|_sum|"}[x.types[family]]
		if suffix != "" && !strings.Contains(allowed, "|"+suffix+"|") || suffix == "" && x.types[family] != "gauge" {
			return nil, bad("a %s has no %q", x.types[family], suffix)
		}
		if x.types[family] == "counter" && (value < 0 || math.IsNaN(value)) || x.types[family] == "info" && value != 1 {
			return nil, bad("value")
		}
		key := line[:strings.LastIndexByte(line, ' ')]
		if _, ok := x.samples[key]; ok {
			return nil, bad("twice")
		}
		x.samples[key] = value
		if suffix == "_bucket" {
			le := labels[len(labels)-1]
			if le.Name != "le" || le.Value != "+Inf" && !strings.Contains(le.Value, ".") {
				return nil, bad("le must be the last label and a float")
			}
			group := fmt.Sprint(name, labels[:len(labels)-1])
			if value < buckets[group] {
				return nil, bad("buckets must grow")
			}
			buckets[group] = value
		}
	}
	return x, scan.Err()
}

// sample reads name{label="value",…} number.
func sample(line string) (name string, labels []Label, value float64, err error) {
	i := strings.IndexAny(line, "{ ")
	if i < 0 {
		return "", nil, 0, fmt.Errorf("no sample")
	}
	name, rest := line[:i], line[i:]
	if !metricName.MatchString(name) {
		return "", nil, 0, fmt.Errorf("no name")
	}
	if rest[0] == '{' {
		rest = rest[1:]
		seen := map[string]bool{}
		for {
			label, after, ok := strings.Cut(rest, `="`)
			if !ok || !labelName.MatchString(label) || seen[label] {
				return "", nil, 0, fmt.Errorf("label %q", label)
			}
			seen[label] = true
			var text strings.Builder
			j := 0
			for ; j < len(after) && after[j] != '"'; j++ {
				if after[j] == '\\' {
					if j++; j >= len(after) || !strings.ContainsRune(`\"n`, rune(after[j])) {
						return "", nil, 0, fmt.Errorf("escape")
					}
				}
				text.WriteByte(after[j])
			}
			if j >= len(after)-1 {
				return "", nil, 0, fmt.Errorf("no end of a label")
			}
			labels = append(labels, Label{label, text.String()})
			rest = after[j+1:]
			if rest[0] == '}' {
				rest = rest[1:]
				break
			}
			if rest[0] != ',' {
				return "", nil, 0, fmt.Errorf("no comma")
			}
			rest = rest[1:]
		}
	}
	digits, ok := strings.CutPrefix(rest, " ")
	if !ok || strings.ContainsAny(digits, " \t") {
		return "", nil, 0, fmt.Errorf("one space and a number must follow")
	}
	value, err = strconv.ParseFloat(digits, 64)
	return name, labels, value, err
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func collect(views []auth.ProfileView, alerts []alert.Alert, events ...audit.Event) (string, error) {
	c := NewCollector(views)
	for _, e := range events {
		c.Add(e)
	}
	var b strings.Builder
	err := Write(&b, c.Families(View{Version: `1.0 "x\`, Profiles: views, Alerts: alerts, Now: now}), OpenMetrics)
	return b.String(), err
}

var update = flag.Bool("update", false, "write the texts that the collectors' own parsers are tested with")

// The texts in testdata are what packaging/collectors gives to the parsers of
// node_exporter and Prometheus, which are no dependencies of this module.
func TestTextForCollectors(t *testing.T) {
	views := []auth.ProfileView{{ID: "p", Name: "work", Provider: "spotify", Status: auth.StatusActive, Expires: now.Add(time.Hour)}}
	c := NewCollector(views)
	for _, e := range []audit.Event{
		event(audit.LoginSucceeded, "p"), event(audit.LoginFailed, "p", "reason", "invalid_client"), event(audit.TokenRefreshed, "p"),
		event(audit.ServerEnded, "p", "seconds", 61.0), event(audit.ServerEnded, "p", "seconds", 1e6),
		event(audit.CertificateSeen, "", "host", "a\"\n# EOF\nb\\\xff", "not_after", float64(now.Add(time.Hour).Unix())),
	} {
		c.Add(e)
	}
	families := c.Families(View{Version: `1.0 "x\`, Profiles: views, Now: now, Alerts: []alert.Alert{{Rule: "audit_tamper", State: alert.Open}}})
	for format, name := range map[Format]string{OpenMetrics: "openmetrics.txt", Prometheus: "node_exporter.prom"} {
		var b strings.Builder
		if err := Write(&b, families, format); err != nil || !strings.HasPrefix(b.String(), Mark) {
			t.Errorf("%s: %v, %.40q", format, err, b.String())
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Error(err)
			}
		}
		want, err := os.ReadFile(path)
		if diff := cmp.Diff(string(want), b.String()); err != nil || diff != "" {
			t.Errorf("%s (go test -update writes it, then run the tests of packaging/collectors): %v (-want +got):\n%s", path, err, diff)
		}
	}
}

func event(name, profile string, data ...any) audit.Event {
	e := audit.Event{Name: name, Profile: profile, Outcome: audit.OK, Data: map[string]any{}}
	for i := 0; i < len(data); i += 2 {
		e.Data[data[i].(string)] = data[i+1]
	}
	return e
}

func TestMetricsCountWhatTheLogHas(t *testing.T) {
	views := []auth.ProfileView{{ID: "p", Name: "work", Provider: "spotify", Account: "Ada Lovelace", Status: auth.StatusActive, Expires: now.Add(time.Hour)}}
	alerts := []alert.Alert{{Rule: "failed_auth", Name: "work", Severity: alert.P2, State: alert.Open}, {Rule: "failed_auth", Severity: alert.P2, State: alert.Resolved}}
	text, err := collect(
		views, alerts,
		event(audit.LoginSucceeded, "p", "account", "Ada Lovelace"), event(audit.LoginFailed, "p", "reason", "denied"),
		event(audit.LoginFailed, "p", "reason", "Ada Lovelace\n"), event(audit.LoginFailed, "p", "reason", "not kept"),
		event(audit.LoginFailed, "p", "reason", "invalid_client"),
		event(audit.LoginFailed, "p", "reason", "profile deleted"), event(audit.TokenRefreshed, "p"), event(audit.TokenRefreshed, "p"),
		event(audit.RefreshFailed, "p", "transient", true), event(audit.RefreshFailed, "p", "needs_login", true),
		event(audit.APIError, "p", "status", 429.0), event(audit.APIError, "p", "status", 403.0), event(audit.APIError, "p", "status", 400.0),
		event(audit.APIError, "p", "status", -1.0),
		event(audit.ServerEnded, "p", "seconds", 60.0), event(audit.ServerEnded, "p", "seconds", 61.0), event(audit.ServerEnded, "p", "seconds", 1e6),
		event(audit.CertificateSeen, "", "host", "a.example", "not_after", float64(now.Add(48*time.Hour).Unix())),
		event(audit.ConfigWritten, "p", "client", "cursor"), event(audit.PermissionsFixed, ""), event(audit.AuditTamper, ""),
		event(audit.SecurityAlert, "p", "rule", "failed_auth", "severity", "P2"),
		// a profile that is no more
		event(audit.ProfileCreated, "q", "name", "old", "provider", "tidal"), event(audit.LoginFailed, "q", "name", "old"), event(audit.ProfileDeleted, "q"),
	)
	if err != nil {
		t.Fatal(err)
	}
	x, err := parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	who := `{profile="work",provider="spotify"`
	for key, want := range map[string]float64{
		`stagedoor_build_info{version="1.0 \"x\\"}`:                                            1,
		`stagedoor_login_attempts_total` + who + `,outcome="failed"}`:                          5,
		`stagedoor_login_attempts_total` + who + `,outcome="succeeded"}`:                       1,
		`stagedoor_login_failures_total` + who + `,reason="denied"}`:                           1,
		`stagedoor_login_failures_total` + who + `,reason="other"}`:                            1,
		`stagedoor_login_failures_total` + who + `,reason="invalid_client"}`:                   1,
		`stagedoor_login_failures_total` + who + `,reason="not kept"}`:                         1,
		`stagedoor_login_failures_total` + who + `,reason="profile deleted"}`:                  1,
		`stagedoor_login_attempts_total{profile="old",provider="tidal",outcome="failed"}`:      1,
		`stagedoor_token_refreshes_total` + who + `}`:                                          2,
		`stagedoor_token_refresh_failures_total` + who + `,kind="transient"}`:                  1,
		`stagedoor_token_refresh_failures_total` + who + `,kind="needs_login"}`:                1,
		`stagedoor_login_active` + who + `}`:                                                   1,
		`stagedoor_access_token_expiry_timestamp_seconds` + who + `}`:                          float64(now.Add(time.Hour).Unix()),
		`stagedoor_api_rate_limited_total` + who + `}`:                                         1,
		`stagedoor_api_unauthorized_total` + who + `}`:                                         1,
		`stagedoor_api_invalid_requests_total` + who + `}`:                                     1,
		`stagedoor_api_errors_total` + who + `,status="other"}`:                                1,
		`stagedoor_session_duration_seconds_bucket` + who + `,le="60.0"}`:                      1,
		`stagedoor_session_duration_seconds_bucket` + who + `,le="600.0"}`:                     2,
		`stagedoor_session_duration_seconds_bucket` + who + `,le="86400.0"}`:                   2,
		`stagedoor_session_duration_seconds_bucket` + who + `,le="+Inf"}`:                      3,
		`stagedoor_session_duration_seconds_count` + who + `}`:                                 3,
		`stagedoor_session_duration_seconds_sum` + who + `}`:                                   1000121,
		`stagedoor_certificate_remaining_seconds{host="a.example"}`:                            48 * 3600,
		`stagedoor_client_config_changes_total{client="cursor",event="client_config_written"}`: 1,
		`stagedoor_resource_access_violations_total`:                                           1,
		`stagedoor_audit_verification_failures_total`:                                          1,
		`stagedoor_alerts{profile="work",rule="failed_auth",severity="P2",state="open"}`:       1,
		`stagedoor_alerts_notified_total{rule="failed_auth",severity="P2"}`:                    1,
		`stagedoor_incidents_opened_total`:                                                     0,
	} {
		if got, ok := x.samples[key]; !ok || got != want {
			t.Errorf("%s is %v (there: %v), want %v", key, got, ok, want)
		}
	}
	if strings.Contains(text, "Ada") {
		t.Error("an account is named")
	}
}

// An empty log and names that nobody should see still make valid text.
func TestNoLogMakesInvalidMetrics(t *testing.T) {
	for name, events := range map[string][]audit.Event{
		"empty": nil,
		"hostile": {
			event(audit.LoginFailed, "x\"}\n1\\", "name", "\n# EOF\n", "reason", "}"), event(audit.CertificateSeen, "", "host", "a\"\n# EOF\nb\xff", "not_after", 1.5),
			event(audit.ServerEnded, "p", "seconds", -1.0), event(audit.ConfigDrift, "p", "client", 7.0), event(audit.SecurityAlert, "", "severity", "P7"),
		},
	} {
		text, err := collect(nil, nil, events...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// Who watches a number that cannot come believes that all is well.
func TestNothingIsShownThatNothingCounts(t *testing.T) {
	text, err := collect([]auth.ProfileView{{ID: "p", Name: "work", Provider: "spotify"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"session_duration", "api_errors", "api_rate_limited", "api_unauthorized", "api_invalid_requests"} {
		if strings.Contains(text, name) {
			t.Errorf("%s is shown:\n%s", name, text)
		}
	}
	if !strings.Contains(text, "stagedoor_token_refreshes_total{profile=\"work\",provider=\"spotify\"} 0\n") {
		t.Errorf("what is counted does not begin at zero:\n%s", text)
	}
}

// The parser above must be strict, or the tests say nothing.
func TestTheParserIsStrict(t *testing.T) {
	const good = "# TYPE a counter\n# HELP a b\na_total 1\n# EOF\n"
	if _, err := parse(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "# EOF", "a 1\n# EOF\n", strings.Replace(good, "a_total", "a", 1), strings.Replace(good, "a_total 1", "a_total  1", 1),
		strings.Replace(good, "a_total 1", "a_total -1", 1), strings.Replace(good, "a_total 1", "a_total 1\na_total 1", 1),
		strings.Replace(good, "# HELP a b", "# UNIT a seconds", 1), strings.Replace(good, "a_total 1", `a_total{b="c} 1`, 1),
		strings.Replace(good, "a_total 1", `a_total{b="\x"} 1`, 1), good + "a_total 2\n", strings.Replace(good, "# EOF", "# TYPE a_total gauge\n# EOF", 1),
	} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
