package identity

import (
	"cmp"
	"time"
)

// askEvery is how often a provider is asked whose a login is.
const askEvery = 24 * time.Hour

// State is what is known of whose a login is. The zero State is a login of
// which nothing was accepted yet.
type State struct {
	Accepted *Claims `json:"accepted,omitempty"` // those of the first login, or of the last one that the user accepted by hand
	Changed  *Claims `json:"changed,omitempty"`  // what differs from it and is not accepted yet
	// Answered says that the provider has named the account of this login. A
	// known account and no answer is not the same account.
	Answered bool      `json:"answered,omitempty"`
	Asked    time.Time `json:"asked,omitzero"` // UTC, when the provider was asked last, whatever it said
}

// After is the State of a new login: what was accepted stays, and the provider
// has not said anything of it yet.
func (s State) After() State { return State{Accepted: s.Accepted, Changed: s.Changed} }

// unanswered reports that an account was accepted and nobody has said whether
// this login is of that account.
func (s State) unanswered() bool {
	return s.Accepted != nil && s.Accepted.named() && !s.Answered
}

// Step is what a hand-out has to do to know whose the login is.
type Step int

// The steps. Each contains the one before.
const (
	Nothing Step = iota // all is known
	Compare             // what the login says of itself with what was accepted
	Ask                 // the provider whose the login is
)

// Next decides which step comes next for a login that says now of itself. canAsk
// says that there is somebody to ask, refreshed that the tokens came just now: the
// provider is asked before the first token of a login, and once a day after a
// refresh. A clock that went back counts as a day. first is true if no token may be
// handed out before it is done.
func (s State) Next(now Claims, canAsk, refreshed bool, at time.Time) (step Step, first bool) {
	switch {
	case s.Changed != nil: // the user is asked
		return Nothing, false
	case s.Accepted == nil, canAsk && s.unanswered():
		return Ask, true
	}
	wider := len(Differ(*s.Accepted, now).Wider) > 0
	age := at.Sub(s.Asked)
	switch {
	case canAsk && refreshed && (age < 0 || age >= askEvery):
		return Ask, wider
	case wider:
		return Compare, true
	}
	return Nothing, false
}

// Verdict is what Check found.
type Verdict struct {
	Difference
	Before, Now Claims
	News        bool // a difference that was not known before
}

// Check compares what the login says of itself now with what was accepted. now
// has no id of the account if the provider was not asked or did not answer; one
// that is not comparable with the known one answers nothing of a new login. The first
// login is what is accepted; later ones fill in what was not known. A difference
// is kept in Changed until the user accepts it or signs in as before.
func (s State) Check(now Claims) (State, Verdict) {
	next := s
	next.Answered = s.Answered || now.named() && (s.Accepted == nil || !s.Accepted.named() || s.Accepted.comparable(now))
	if s.Accepted == nil {
		next.Accepted, next.Changed = &now, nil
		return next, Verdict{Now: now}
	}
	before := *s.Accepted
	d := Differ(before, now)
	if !now.named() || !next.Answered { // nothing new of the account, see unanswered
		now.Subject, now.Signed, now.Name = "", "", before.Name
	}
	if !d.Account {
		now.Subject, now.Signed = cmp.Or(now.Subject, before.Subject), cmp.Or(now.Signed, before.Signed)
	}
	v := Verdict{Difference: d, Before: before, Now: now}
	if !v.None() {
		known := s.Changed
		v.News = known == nil || known.Subject != now.Subject || known.Signed != now.Signed || known.Issuer != now.Issuer || len(Differ(*known, now).Wider) > 0
		next.Changed = &now
		return next, v
	}
	next.Changed = nil
	if now.Name != "" || !before.named() {
		before.Name = now.Name
	}
	before.Subject, before.Signed = now.Subject, now.Signed
	if len(before.Scopes) == 0 {
		before.Scopes = now.Scopes
	}
	if before.Issuer == "" {
		before.Issuer = now.Issuer
	}
	next.Accepted = &before
	return next, v
}

// Block says why no token is handed out: briefly, for a list, and in words. Both
// are "" if nothing is in the way.
func (s State) Block() (brief, words string) {
	switch {
	case s.Changed != nil && s.Accepted != nil:
		d := Differ(*s.Accepted, *s.Changed)
		switch {
		case d.Account:
			brief = "another account"
		case d.Issuer:
			brief = "another issuer"
		default:
			brief = "more rights than before"
		}
		return brief, d.Describe(*s.Accepted, *s.Changed)
	case s.unanswered():
		return "account not confirmed", "the provider has not said whose this login is; the one before was of " + nameOf(*s.Accepted)
	}
	return "", ""
}

// Account is the name of the account that the login is of, as far as is known.
func (s State) Account() string {
	switch {
	case s.Changed != nil:
		return s.Changed.Name
	case s.Accepted != nil && s.Answered:
		return s.Accepted.Name
	}
	return ""
}

// Accept makes what has changed, or a login whose account the provider does not
// name, what is accepted from now on. ok is false if nothing was in the way.
func (s State) Accept(at time.Time) (next State, before, now Claims, ok bool) {
	switch {
	case s.Accepted == nil:
		return s, before, now, false
	case s.Changed != nil:
		now = *s.Changed
	case s.unanswered():
		now = *s.Accepted
		now.Subject, now.Signed, now.Name = "", "", ""
	default:
		return s, before, now, false
	}
	before, now.At = *s.Accepted, at.UTC()
	next = s
	next.Accepted, next.Changed = &now, nil
	return next, before, now, true
}
