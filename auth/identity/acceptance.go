package identity

import (
	"cmp"
	"time"
)

// askEvery is how often a provider is asked whose a login is.
const askEvery = 24 * time.Hour

// Acceptance is what is known of whose a login is. The zero Acceptance is a login of
// which nothing was accepted yet.
type Acceptance struct {
	Accepted *Claims `json:"accepted,omitempty"` // those of the first login, or of the last one that the user accepted by hand
	Changed  *Claims `json:"changed,omitempty"`  // what differs from it and is not accepted yet
	// Answered says that the provider has named the account of this login. A
	// known account and no answer is not the same account.
	Answered bool      `json:"answered,omitempty"`
	Asked    time.Time `json:"asked,omitzero"` // UTC, when the provider was asked last, whatever it said
}

// After is the Acceptance of a new login: what was accepted stays, and the provider
// has not said anything of it yet.
func (a Acceptance) After() Acceptance { return Acceptance{Accepted: a.Accepted, Changed: a.Changed} }

// unanswered reports that an account was accepted and nobody has said whether
// this login is of that account.
func (a Acceptance) unanswered() bool {
	return a.Accepted != nil && a.Accepted.named() && !a.Answered
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
func (a Acceptance) Next(now Claims, canAsk, refreshed bool, at time.Time) (step Step, first bool) {
	switch {
	case a.Changed != nil: // the user is asked
		return Nothing, false
	case a.Accepted == nil, canAsk && a.unanswered():
		return Ask, true
	}
	wider := len(Differ(*a.Accepted, now).Wider) > 0
	age := at.Sub(a.Asked)
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
func (a Acceptance) Check(now Claims) (Acceptance, Verdict) {
	next := a
	next.Answered = a.Answered || now.named() && (a.Accepted == nil || !a.Accepted.named() || a.Accepted.comparable(now))
	if a.Accepted == nil {
		next.Accepted, next.Changed = &now, nil
		return next, Verdict{Now: now}
	}
	before := *a.Accepted
	d := Differ(before, now)
	if !now.named() || !next.Answered { // nothing new of the account, see unanswered
		now.Subject, now.Signed, now.Name = "", "", before.Name
	}
	if !d.Account {
		now.Subject, now.Signed = cmp.Or(now.Subject, before.Subject), cmp.Or(now.Signed, before.Signed)
	}
	v := Verdict{Difference: d, Before: before, Now: now}
	if !v.None() {
		known := a.Changed
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
	before.Issuer = cmp.Or(before.Issuer, now.Issuer)
	next.Accepted = &before
	return next, v
}

// Why no token is handed out, briefly: what Block says.
const (
	AnotherAccount = "another account"
	AnotherIssuer  = "another issuer"
	MoreRights     = "more rights than before"
	NotConfirmed   = "account not confirmed"
)

// Block says why no token is handed out: briefly, for a list, and in words. Both
// are "" if nothing is in the way.
func (a Acceptance) Block() (brief, words string) {
	switch {
	case a.Changed != nil && a.Accepted != nil:
		d := Differ(*a.Accepted, *a.Changed)
		switch {
		case d.Account:
			brief = AnotherAccount
		case d.Issuer:
			brief = AnotherIssuer
		default:
			brief = MoreRights
		}
		return brief, d.Describe(*a.Accepted, *a.Changed)
	case a.unanswered():
		return NotConfirmed, "the provider has not said whose this login is; the one before was of " + nameOf(*a.Accepted)
	}
	return "", ""
}

// Account is the name of the account that the login is of, as far as is known.
func (a Acceptance) Account() string {
	switch {
	case a.Changed != nil:
		return a.Changed.Name
	case a.Accepted != nil && a.Answered:
		return a.Accepted.Name
	}
	return ""
}

// Accept makes what has changed, or a login whose account the provider does not
// name, what is accepted from now on. ok is false if nothing was in the way.
func (a Acceptance) Accept(at time.Time) (next Acceptance, before, now Claims, ok bool) {
	switch {
	case a.Accepted == nil:
		return a, before, now, false
	case a.Changed != nil:
		now = *a.Changed
	case a.unanswered():
		now = *a.Accepted
		now.Subject, now.Signed, now.Name = "", "", ""
	default:
		return a, before, now, false
	}
	before, now.At = *a.Accepted, at.UTC()
	next = a
	next.Accepted, next.Changed = &now, nil
	return next, before, now, true
}
