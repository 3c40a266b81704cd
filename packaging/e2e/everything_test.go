//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
)

// A server whose token is in its environment, behind the official SDKs' clients,
// three calls at a time, with a new token every few seconds and several switches of
// the profile: each call is answered, once and with its own answer, and
// each environment that the server shows has a token that is alive then, of the
// account that is selected. STAGEDOOR_LONG=1 makes 10,000 calls.
func TestEverythingServerUnderTheSDKClient(t *testing.T) {
	t.Parallel() // beside the servers that mostly wait
	for sdk := range sdks {
		t.Run(sdk, func(t *testing.T) { everything(t, sdk) })
	}
}

func everything(t *testing.T, sdk string) {
	t.Parallel()
	times, switches, every := 300, 4, 50*time.Millisecond
	if os.Getenv("STAGEDOOR_LONG") != "" {
		times, switches, every = 10_000, 50, 20*time.Millisecond
	}
	s := newStudio(t, "oidc", 4*time.Second)
	if err := s.server.ResetStats(t.Context()); err != nil {
		t.Fatal(err)
	}
	var tools []tool // with answers that tell the calls apart
	for i := range times {
		switch i % 3 {
		case 0:
			tools = append(tools, tool{"echo", map[string]any{"message": fmt.Sprintf("call %d", i)}})
		case 1:
			tools = append(tools, tool{"get-sum", map[string]any{"a": i, "b": 0.5}})
		default:
			tools = append(tools, tool{Name: "get-env"})
		}
	}
	w := &witness{studio: s, tokens: map[string]life{}, selected: []selection{{account: "ann"}}}
	var switching sync.WaitGroup
	lines, notes := s.client(sdk, calls{
		Command: lean, Tools: tools, Calls: times, Parallel: 3, Every: every.Seconds(),
		Args: []string{
			"run", "--provider", s.server.Issuer, "--env", "API_TOKEN={access_token}",
			"--", node(), script("@modelcontextprotocol", "server-everything", "dist", "index.js"),
		},
	}, func(l said) {
		if l.Event == "call" && l.Tool == "get-env" {
			w.look(l)
		}
		if begun := w.switches(); l.Event == "call" && begun < switches && l.ID >= (begun+1)*times/(switches+1) {
			w.begin()
			switching.Go(w.use)
		}
	})
	switching.Wait()
	answered := map[int]bool{}
	for _, l := range only("call", lines) {
		want := map[int]string{0: fmt.Sprintf("call %d", l.ID), 1: fmt.Sprintf("%d.5", l.ID), 2: "API_TOKEN"}[l.ID%3]
		if l.Failed != "" || l.IsError || !strings.Contains(l.Text, want) || answered[l.ID] {
			l.Text = l.Text[:min(len(l.Text), 200)]
			t.Errorf("a call was answered before (%v), or not as it should be: %+v", answered[l.ID], l)
		}
		answered[l.ID] = true
	}
	if len(answered) != times || len(only("end", lines)) != 1 {
		t.Errorf("%d of %d calls were answered", len(answered), times)
	}
	w.judge()
	stats, err := s.server.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := stats.Refreshes(); r["ok"] < 2 || r.Total() != r["ok"] {
		t.Errorf("the refreshes were %v", r)
	}
	s.nothingRuns()
	s.must(t, "audit", "verify")
	t.Logf("%d calls, %d tokens seen, %d switches, %d notifications, refreshes %v",
		len(answered), len(w.tokens), w.switches(), len(only("notification", lines)), stats.Refreshes())
	if t.Failed() {
		t.Logf("the launcher and the server said:\n%s", notes[max(0, len(notes)-6000):])
	}
}

// witness asks the authorization server about each token that the server shows, while
// it lives, and remembers which account was selected when.
type witness struct {
	*studio
	tokens map[string]life // by token
	looks  []look

	mu       sync.Mutex
	selected []selection
}

type life struct {
	account string // or "" if it was not alive at first sight
	until   time.Time
}

type look struct {
	said
	life
}

type selection struct {
	account     string
	begun, done time.Time
}

func (w *witness) switches() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.selected) - 1
}

// begin notes that the other account is about to be selected, and use does that.
func (w *witness) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	other := map[string]string{"ann": "bob", "bob": "ann"}
	w.selected = append(w.selected, selection{account: other[w.selected[len(w.selected)-1].account], begun: time.Now()})
}

func (w *witness) use() {
	w.mu.Lock()
	n := len(w.selected) - 1
	account := w.selected[n].account
	w.mu.Unlock()
	w.must(w.t, "use", account)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.selected[n].done = time.Now()
}

// look reads the token of an environment that the server showed.
func (w *witness) look(l said) {
	_, after, _ := strings.Cut(l.Text, `"API_TOKEN": "`)
	token, _, _ := strings.Cut(after, `"`)
	if _, known := w.tokens[token]; !known {
		res, err := http.PostForm(w.server.Issuer+"/token/introspection", url.Values{"token": {token}, "client_id": {authserver.PublicClientID}})
		if err != nil {
			w.t.Error(err)
			return
		}
		defer res.Body.Close()
		var state struct {
			Sub string `json:"sub"`
			Exp int64  `json:"exp"`
		}
		if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
			w.t.Error(err)
		}
		w.tokens[token] = life{state.Sub, time.Unix(state.Exp, 0)}
	}
	w.looks = append(w.looks, look{l, w.tokens[token]})
}

// judge checks that each was alive when it was shown, and of the account that was
// selected when the call was made or, for the second that a switch may take, before.
func (w *witness) judge() {
	for _, l := range w.looks {
		if l.account == "" || l.begun().After(l.until) {
			w.t.Errorf("call %d, at %v, was shown a token that had ended: it lives until %v", l.ID, l.begun(), l.until)
			continue
		}
		right := false
		for i, s := range w.selected {
			from, until := s.begun, time.Now()
			if i+1 < len(w.selected) {
				until = w.selected[i+1].done.Add(time.Second)
			}
			right = right || s.account == l.account && l.answered().After(from) && l.begun().Before(until)
		}
		if !right {
			w.t.Errorf("call %d was shown a token of %s, which was not selected", l.ID, l.account)
		}
	}
	if len(w.looks) == 0 {
		w.t.Error("the server showed no environment")
	}
}
