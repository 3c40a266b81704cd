package profile

import (
	"slices"
	"strings"
	"time"
)

// Claims are what a login says of itself: whose it is, what it may do, and who
// says so. A field that is empty is not known and differs from nothing.
type Claims struct {
	Subject string    `json:"subject,omitempty"` // the provider's stable id of the account
	Name    string    `json:"name,omitempty"`    // of the account, for people
	Scopes  []string  `json:"scopes,omitempty"`  // as granted
	Issuer  string    `json:"issuer,omitempty"`  // Profile.Service at that time
	At      time.Time `json:"at"`                // UTC
}

// Difference is what has changed from one login's claims to another's.
type Difference struct {
	Account, Issuer bool
	Wider           []string // scopes that were not granted before
}

// None reports whether nothing has changed that the user should know of.
func (d Difference) None() bool { return !d.Account && !d.Issuer && len(d.Wider) == 0 }

// Differ compares what came now with what was accepted. Fewer scopes than
// before are no difference: less can do no harm.
func Differ(before, now Claims) Difference {
	d := Difference{
		Account: before.Subject != "" && now.Subject != "" && before.Subject != now.Subject,
		Issuer:  before.Issuer != "" && now.Issuer != "" && before.Issuer != now.Issuer,
	}
	if len(before.Scopes) > 0 {
		for _, s := range now.Scopes {
			if !slices.Contains(before.Scopes, s) {
				d.Wider = append(d.Wider, s)
			}
		}
	}
	return d
}

// Describe says in words what has changed, for people.
func (d Difference) Describe(before, now Claims) string {
	var parts []string
	if d.Account {
		parts = append(parts, "the account is "+now.Name+", it was "+before.Name)
	}
	if d.Issuer {
		parts = append(parts, "the issuer is "+now.Issuer+", it was "+before.Issuer)
	}
	if len(d.Wider) > 0 {
		parts = append(parts, "it may also "+strings.Join(d.Wider, " "))
	}
	return strings.Join(parts, "; ")
}

// Baseline is what the user has accepted: that of the first login, or of the
// last one that they accepted by hand. It is false before the first login.
func (p Profile) Baseline() (Claims, bool) {
	switch {
	case p.Accepted != nil:
		return *p.Accepted, true
	case p.Identity != nil: // signed in before claims were kept
		return Claims{Subject: p.Identity.Subject, Name: p.Identity.Name, At: p.Identity.At}, true
	}
	return Claims{}, false
}

// Judge compares the claims of a login with the baseline. The first login makes
// the baseline; later ones fill in what was not known. A difference is kept in
// Changed until the user accepts it or signs in as before.
func (p *Profile) Judge(now Claims) Difference {
	before, known := p.Baseline()
	if !known {
		p.Accepted, p.Changed = &now, nil
		return Difference{}
	}
	d := Differ(before, now)
	if !d.None() {
		p.Changed = &now
		return d
	}
	if before.Subject == "" || before.Subject == now.Subject && now.Name != "" {
		before.Subject, before.Name = now.Subject, now.Name
	}
	if len(before.Scopes) == 0 {
		before.Scopes = now.Scopes
	}
	if before.Issuer == "" {
		before.Issuer = now.Issuer
	}
	p.Accepted, p.Changed = &before, nil
	return d
}

// Accept makes what has changed the new baseline. It returns both, or false if
// nothing had changed.
func (p *Profile) Accept(at time.Time) (before, now Claims, ok bool) {
	if p.Changed == nil {
		return before, now, false
	}
	before, _ = p.Baseline()
	now = *p.Changed
	now.At = at.UTC()
	p.Accepted, p.Changed = &now, nil
	return before, now, true
}

// Warning notes that the user was told that a finite grant ends, so that each
// threshold is told once.
type Warning struct {
	Ends time.Time `json:"ends"` // UTC, of the grant it was about
	Days int       `json:"days"` // the least threshold told
}
