package audit_test

import (
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/audittest"
)

// A hostile log must not crash or hang whoever looks at it.
func FuzzParse(f *testing.F) {
	b := audittest.New(f)
	b.Add(1)
	f.Add([]byte(b.Lines(1)[0]))
	f.Fuzz(func(t *testing.T, line []byte) {
		l := audit.ParseLine(line)
		e, err := l.Event()
		if err == nil && !audit.Respell(l, e) {
			t.Fatalf("%q is accepted but written otherwise", line)
		}
	})
}
