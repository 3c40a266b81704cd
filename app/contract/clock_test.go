package contract

import (
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// testClock tests what everybody relies on who is handed a clock: it shows a
// time at all, which does not run backwards by itself, and which is the same
// after it was written to a file and read again.
func testClock(t *testing.T, now func() time.Time) {
	t.Helper()
	first, second := now(), now()
	if first.IsZero() || second.Before(first) {
		t.Errorf("%v, then %v", first, second)
	}
	text, err := first.UTC().MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var read time.Time
	if err := read.UnmarshalText(text); err != nil || !read.Equal(first) {
		t.Errorf("written as %s and read as %v: %v", text, read, err)
	}
}

func TestClocks(t *testing.T) {
	t.Run("the system's", func(t *testing.T) { testClock(t, time.Now) })
	t.Run("the tests'", func(t *testing.T) { testClock(t, authtest.NewClock().Now) })
}
