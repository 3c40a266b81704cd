package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// How far a clock is off is told only as far as an answer in whole seconds can tell, and
// whoever is asked gets nothing.
func TestReach(t *testing.T) {
	clock := authtest.NewClock()
	date := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); r.Method != http.MethodHead || len(body) > 0 || err != nil || r.Header.Get("Authorization") != "" {
			t.Errorf("it was asked with %s %v %q", r.Method, r.Header, body)
		}
		w.Header()["Date"] = []string{date}
		w.WriteHeader(http.StatusMethodNotAllowed)
	}))
	defer s.Close()
	w, err := oauth.NewWire(oauth.Params{HTTP: s.Client(), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	second := clock.Now().Truncate(time.Second)
	for off, want := range map[time.Duration]time.Duration{0: 0, -time.Minute: 59 * time.Second, time.Hour: -time.Hour} {
		date = second.Add(off).UTC().Format(http.TimeFormat)
		r, err := w.Reach(t.Context(), s.URL)
		if err != nil || !r.Timed || (r.Ahead-want).Abs() > time.Second {
			t.Errorf("a server whose clock is off by %s: %+v, %v; want %s", off, r, err, want)
		}
	}
	date = "soon"
	if r, err := w.Reach(t.Context(), s.URL); err != nil || r.Timed {
		t.Errorf("%+v, %v", r, err)
	}
	s.Close()
	var e *oauth.Error
	if _, err := w.Reach(t.Context(), s.URL); !errors.As(err, &e) {
		t.Errorf("nobody is there: %v", err)
	}
}
