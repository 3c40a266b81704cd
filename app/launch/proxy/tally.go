package proxy

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Tally is what was counted of a client's calls of tools: no arguments, and nothing
// of what was answered.
type Tally struct {
	Calls, Failed int
	Tools         map[string]int // calls by tool; "" is all beyond maxTools
}

// tallies count for the next report, and for the last.
type tallies struct {
	begun, reported time.Time
	recent, all     Tally
	window          time.Time // when the five minutes began that calls counts
	calls, told     int
}

const (
	// tallyWindow is what the number of calls beside a failure is about, and maxTold
	// how many failures are told in it.
	tallyWindow = 5 * time.Minute
	maxTold     = 40
)

// maxTools bounds how many tools are told apart.
const maxTools = 50

func toolOf(line []byte, m message) string {
	if m.method != "tools/call" {
		return ""
	}
	return unquoted(m.in.name.of(line))
}

// call counts a call of a tool.
func (t *tallies) call(tool string, now time.Time) {
	if now.Sub(t.window) >= tallyWindow {
		t.window, t.calls, t.told = now, 0, 0
	}
	t.calls++
	for _, sum := range []*Tally{&t.recent, &t.all} {
		if sum.Tools == nil {
			sum.Tools = map[string]int{}
		}
		sum.Calls++
		name := tool
		if _, known := sum.Tools[name]; !known && len(sum.Tools) >= maxTools {
			name = ""
		}
		sum.Tools[name]++
	}
}

func (t *tallies) fail() {
	t.recent.Failed++
	t.all.Failed++
}

// httpStatus is how a failure of a web API shows in words; deadToken and deadAnswer are
// how APIs say that a token is dead which have no status for it, in a failure and in an
// answer that the server passes on as it is.
var (
	httpStatus = text.Pattern(`\b(400|401|403|429)\b`)
	deadToken  = text.Pattern(`\b(` + deadCodes + `)\b`)
	deadAnswer = text.Pattern(`"error\\?"\s*:\s*\\?"(` + deadCodes + `)\\?"`)
)

const deadCodes = `invalid_token|expired_token|token_expired|token_revoked|invalid_auth|not_authed|account_inactive`

// searched is how much of a failure is looked at, in bytes.
const searched = 4 << 10

// count counts the answer to a call of a tool, and tells of one that failed. The
// caller holds mu.
func (x *Proxy) count(r *request, line []byte, m message) {
	if r.method != "tools/call" {
		return
	}
	t := &x.tally
	t.call(r.tool, x.p.Now())
	status := failureOf(line, m)
	if status < 0 {
		return
	}
	t.fail()
	if t.told++; t.told > maxTold || x.p.Failed == nil || !x.began {
		return
	}
	calls := t.calls
	s, cred := r.owner, r.owner.cred
	x.work.Go(func() {
		if !x.p.Failed(cred, status, calls) {
			return
		}
		x.mu.Lock()
		// What the client asks from now on waits for another token, also if somebody has
		// got that by now.
		s.dead = s.dead || s.cred.Token == cred.Token
		x.mu.Unlock()
		x.check(context.Background())
	})
}

// failureOf returns the HTTP status that the answer to a failed call shows, 0 if none,
// or -1 if the call did not fail.
func failureOf(line []byte, m message) int {
	words, failed := m.failure.of(line), true
	if m.result.found() {
		words, failed = m.result.of(line), string(m.in.failed.of(line)) == "true"
	}
	if !failed {
		if len(words) <= searched && bytes.Contains(words, []byte(`error`)) && deadAnswer().Match(words) {
			return http.StatusUnauthorized
		}
		return -1
	}
	words = words[:min(len(words), searched)]
	if found := httpStatus().Find(words); found != nil {
		status, _ := strconv.Atoi(string(found))
		return status
	}
	if deadToken().Match(words) {
		return http.StatusUnauthorized
	}
	return 0
}

// missed counts a call that no server answered. The caller holds mu.
func (x *Proxy) missed(r *request) {
	if r.method == "tools/call" {
		x.tally.call(r.tool, x.p.Now())
		x.tally.fail()
	}
}

// report passes on what was counted since the last time or, at the end, in all. The
// caller holds mu.
func (x *Proxy) report(final bool) {
	t, now := &x.tally, x.p.Now()
	sum := t.recent
	t.recent, t.reported = Tally{}, now
	switch {
	case !x.began || x.p.Report == nil, !final && sum.Calls == 0:
		return
	case final:
		sum = t.all
	}
	x.work.Go(func() { x.p.Report(sum, now.Sub(t.begun), final) })
}
