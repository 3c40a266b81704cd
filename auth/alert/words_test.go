package alert

import (
	"cmp"
	"strings"
	"testing"
)

// What is no more than odd must not send anybody to change a password within the hour:
// a case of another class than its rule needs advice of its own.
func TestAdviceIsAsUrgentAsTheAlert(t *testing.T) {
	for _, r := range Defaults() {
		for _, c := range append([]Case{{Severity: r.Severity}}, r.Cases...) {
			advice := strings.ToLower(cmp.Or(c.Advice, r.Advice))
			if c.Severity == P3 && strings.Contains(advice, "within the ") {
				t.Errorf("%s, P3 %q: %s", r.ID, c.Message, advice)
			}
		}
	}
}
