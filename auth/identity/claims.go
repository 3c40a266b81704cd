// Package identity decides whose a login is and whom its secrets may be shown
// to. It is pure: it asks nobody and writes nothing. What it decides on, an Acceptance
// and a Binding, is kept in the vault beside the secrets it is about, because
// whoever can change profiles.json must not be able to change either.
package identity

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Claims are what a login says of itself: whose it is, what it may do, and who
// says so. A field that is empty is not known and differs from nothing.
type Claims struct {
	Subject string `json:"subject,omitempty"` // the provider's stable id of the account
	// Signed is the account's id in the ID token, where that may be of another kind
	// than the one of the identity call: each is compared with its like.
	Signed string    `json:"id_token_subject,omitempty"`
	Name   string    `json:"name,omitempty"`   // of the account, for people
	Scopes []string  `json:"scopes,omitempty"` // as granted
	Issuer string    `json:"issuer,omitempty"` // the service at that time, see profile.Profile.Service
	At     time.Time `json:"at"`               // UTC
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
		Account: before.comparable(now) && before.ids(now) != now.ids(before),
		Issuer:  before.Issuer != "" && now.Issuer != "" && before.Issuer != now.Issuer,
	}
	if len(before.Scopes) > 0 {
		for _, s := range now.Scopes {
			if !slices.ContainsFunc(before.Scopes, func(known string) bool {
				return strings.EqualFold(known, s) || // Entra answers in another letter case
					slices.Contains(strings.Split(known, ","), s) // a version before took "repo,gist" for one
			}) {
				d.Wider = append(d.Wider, s)
			}
		}
	}
	return d
}

// named reports whether anything says whose the login is.
func (c Claims) named() bool { return c.Subject != "" || c.Signed != "" }

// comparable reports whether an id of the account is known in both.
func (c Claims) comparable(with Claims) bool { return c.ids(with) != [2]string{} }

// ids are the ids of the account that the other claims have, too.
func (c Claims) ids(with Claims) (ids [2]string) {
	if with.Subject != "" && c.Subject != "" {
		ids[0] = c.Subject
	}
	if with.Signed != "" && c.Signed != "" {
		ids[1] = c.Signed
	}
	return ids
}

// Describe says in words what has changed, for people.
func (d Difference) Describe(before, now Claims) string {
	var parts []string
	if d.Account {
		parts = append(parts, "the account is "+nameOf(now)+", it was "+nameOf(before))
	}
	if d.Issuer {
		parts = append(parts, "the issuer is "+text.Name(now.Issuer)+", it was "+text.Name(before.Issuer))
	}
	if len(d.Wider) > 0 {
		parts = append(parts, "it may also "+text.Line(strings.Join(d.Wider, ", "), 500))
	}
	return strings.Join(parts, "; ")
}

// nameOf is what people call the account.
func nameOf(c Claims) string {
	switch {
	case c.Name != "":
		return text.Name(c.Name)
	case c.named():
		return text.Name(cmp.Or(c.Subject, c.Signed))
	}
	return "not known"
}
