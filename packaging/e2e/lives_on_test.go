//go:build e2e && linux

package e2e

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
)

// Servers of PyPI, as they are, that know nothing of tokens that end: a client calls
// one without a pause, over many tokens and a switch of the profile, and has each
// answer from the right account. STAGEDOOR_LONG=1 goes on for ten minutes.
func TestSpotifyServerLivesOn(t *testing.T) { livesOn(t, musicServers["spotify"]) }

func TestTidalServerLivesOn(t *testing.T) { livesOn(t, musicServers["tidal"]) }

func livesOn(t *testing.T, m musicServer) {
	t.Parallel() // most of the time it waits
	ttl, every, times := 8*time.Second, 500*time.Millisecond, 60
	if os.Getenv("STAGEDOOR_LONG") != "" {
		ttl, every, times = 20*time.Second, time.Second, 600
	}
	s := newStudio(t, m.provider, ttl)
	before := len(s.api.Calls())
	if err := s.server.ResetStats(t.Context()); err != nil {
		t.Fatal(err)
	}
	var switching, switched time.Time
	begun := time.Now()
	lines, notes := s.client("python", calls{
		Command: lean, Args: []string{"run", "--provider", m.provider, "--as", m.recipe, "--", m.program},
		Tools: lists, Calls: times, Parallel: 3, Every: every.Seconds(),
	}, func(l said) {
		if l.Event == "call" && switching.IsZero() && l.ID >= times/2 {
			switching = time.Now()
			s.must(t, "use", "bob")
			switched = time.Now()
		}
	})
	took := time.Since(begun)
	answered, accounts := map[int]bool{}, map[string]int{}
	var waits []time.Duration
	for _, l := range only("call", lines) {
		account := of(l)
		accounts[account]++
		waits = append(waits, l.answered().Sub(l.begun()))
		switch {
		case answered[l.ID]:
			t.Errorf("call %d was answered twice", l.ID)
		case account == "":
			t.Errorf("call %d, %v after the switch, failed: %+v", l.ID, l.begun().Sub(switched).Round(time.Millisecond), l)
		case account == "ann" && l.begun().After(switched.Add(time.Second)), account == "bob" && l.answered().Before(switching):
			t.Errorf("call %d, %v after the switch, was answered for %s", l.ID, l.begun().Sub(switched).Round(time.Millisecond), account)
		}
		answered[l.ID] = true
	}
	if len(answered) != times || len(only("end", lines)) != 1 {
		t.Errorf("%d of %d calls were answered", len(answered), times)
	}
	if accounts["ann"] < times/4 || accounts["bob"] < times/4 {
		t.Errorf("the answers were for %v", accounts)
	}
	seen := map[string]int{}
	for _, c := range s.api.Calls()[before:] {
		seen[c.Account]++
		switch {
		case c.Refused != "":
			t.Errorf("the API refused %+v", c)
		case c.Account == "ann" && c.At.After(switched.Add(3*time.Second)), c.Account == "bob" && c.At.Before(switching):
			t.Errorf("%v after the switch the API was called for %s", c.At.Sub(switched).Round(time.Millisecond), c.Account)
		}
	}
	stats, err := s.server.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	refreshes := stats.Refreshes()
	if least := int(took/ttl) / 2; refreshes["ok"] < least || refreshes.Total() != refreshes["ok"] {
		t.Errorf("the refreshes were %v, of which at least %d are needed", refreshes, least)
	}
	s.nothingRuns()
	s.must(t, "audit", "verify")
	slices.SortFunc(waits, cmp.Compare)
	t.Logf("%d calls in %v, answered for %v after %v in the middle and %v at most; the API was called for %v; refreshes %v",
		len(waits), took.Round(time.Second), accounts, waits[len(waits)/2].Round(time.Millisecond), waits[len(waits)-1].Round(time.Millisecond), seen, refreshes)
	if t.Failed() {
		t.Logf("the launcher and the server said:\n%s", notes[max(0, len(notes)-6000):])
	}
}

// account are the arguments that start a server which asks the provider at each call
// whose its token is.
func (s *studio) account() []string {
	s.t.Helper()
	root, err := authserver.Root()
	if err != nil {
		s.t.Fatal(err)
	}
	folder := filepath.Join(root, "packaging", "python")
	return []string{
		"run", "--provider", s.server.Issuer, "--env", "API_TOKEN={access_token}", "--env", "USERINFO=" + s.server.Issuer + "/me",
		"--", filepath.Join(folder, ".venv", "sdk", "bin", "python"), filepath.Join(folder, "account.py"),
	}
}

// A token that the provider ends before its time must cost the calls under way, and no
// others.
func TestTokenThatEndsBeforeItsTime(t *testing.T) {
	t.Parallel()
	const times, taken = 20, 5
	s := newStudio(t, "oidc", time.Hour)
	if err := s.server.ResetStats(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines, notes := s.client("python", calls{Command: lean, Tools: []tool{{Name: "whose"}}, Calls: times, Parallel: 1, Every: 0.5, Args: s.account()}, func(l said) {
		if l.Event != "call" || l.ID != taken {
			return
		}
		if err := s.server.EndAccess(t.Context()); err != nil {
			t.Error(err)
		}
	})
	failed := 0
	for _, l := range only("call", lines) {
		switch account := of(l); {
		case l.ID <= taken && account != "ann", l.ID > taken+2 && account != "ann":
			t.Errorf("call %d: %+v", l.ID, l)
		case account != "ann":
			failed++
		}
	}
	stats, err := s.server.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(only("call", lines)); n != times || failed == 0 || stats.Refreshes()["ok"] != 1 || stats.Refreshes().Total() != 1 {
		t.Errorf("%d of %d calls were answered, %d failed, refreshes %v\n%s", n, times, failed, stats.Refreshes(), notes[max(0, len(notes)-3000):])
	}
	if log := s.must(t, "audit", "ann", "--event", "token_refused", "--json"); strings.Count(log, `"again":false`) != 1 {
		t.Errorf("on the log: %s", log)
	}
}

// Where a refresh ends the access token before at once, servers that share a login must
// agree: no call may get there with a token that another server's refresh has ended.
func TestServersShareATokenThatRefreshEnds(t *testing.T) {
	t.Parallel()
	const servers, times = 3, 20
	s := newStudio(t, "oidc", 5*time.Second, "--refresh-ends-access")
	if err := s.server.SetReplacing(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := s.server.ResetStats(t.Context()); err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	begun := time.Now()
	for i := range servers {
		clients.Go(func() {
			lines, notes := s.client("python", calls{
				Command: lean, Tools: []tool{{Name: "whose"}}, Calls: times, Parallel: 2, Every: 0.5,
				Args: s.account(),
			}, nil)
			failed := 0
			for _, l := range only("call", lines) {
				if of(l) != "ann" {
					failed++
					t.Errorf("server %d, call %d after %v: %+v", i, l.ID, l.begun().Sub(begun).Round(time.Millisecond), l)
				}
			}
			if n := len(only("call", lines)); n != times || failed > 0 {
				t.Errorf("server %d: %d of %d calls were answered, %d of them not well\n%s", i, n, times, failed, notes[max(0, len(notes)-3000):])
			}
		})
	}
	clients.Wait()
	stats, err := s.server.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	least := int(time.Since(begun)/(5*time.Second)) / 2
	if refreshes := stats.Refreshes(); refreshes["ok"] < least || refreshes.Total() != refreshes["ok"] {
		t.Errorf("the refreshes were %v, of which at least %d are needed", refreshes, least)
	}
	if wrong := stats.Userinfo.Total() - stats.Userinfo["ok"]; wrong > 0 {
		t.Errorf("the provider was shown a dead token %d times: %v", wrong, stats.Userinfo)
	}
	s.nothingRuns()
	t.Logf("%d servers, %d calls each: refreshes %v, asked whose it is %v", servers, times, stats.Refreshes(), stats.Userinfo)
}
