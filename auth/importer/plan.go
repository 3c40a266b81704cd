package importer

import (
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
)

// unit is a login together with the sources it is in.
type unit struct {
	login   migrate.Login
	name    string // of the profile to be
	format  string
	sources []*source
	done    bool
}

// source is a file, or the items of an old profile in the keychain.
type source struct {
	file   *oldFile // nil: the keychain
	items  string   // old name of the profile whose items were read, or ""
	doc    migrate.Document
	report *File
}

// planImport makes units of the logins: those of the same account that lie in
// two files, one with the client id and one with the tokens, become one.
func planImport(sources []*source, r Request) ([]*unit, error) {
	var units []*unit
	for _, s := range sources {
		for _, l := range s.doc.Logins {
			u := &unit{login: l, format: s.report.Format, sources: []*source{s}, name: proposedName(s, l, r)}
			if !absorbed(units, u) {
				units = append(units, u)
			}
		}
	}
	if r.Profile != "" && len(units) > 1 {
		return nil, hint.Wrap(fmt.Errorf("%w: %d", ErrSeveral, len(units)),
			"import one file at a time, or leave --profile out")
	}
	taken := map[string]bool{}
	for _, u := range units {
		base := u.name
		for n := 2; taken[u.name]; n++ {
			u.name = fmt.Sprintf("%s-%d", base[:min(len(base), 60)], n)
		}
		taken[u.name] = true
		if u.login.ClientID == "" {
			u.login.ClientID = r.ClientID
		}
		borrow(u, units)
	}
	return units, nil
}

// proposedName is the profile's name for a login. "default" is what the Spotify
// server calls its plain .env; other providers have no such profile.
func proposedName(s *source, l migrate.Login, r Request) string {
	if r.Profile != "" {
		return r.Profile
	}
	name := migrate.ProfileName(s.doc.Profile, l.Provider)
	switch {
	case l.Provider == "spotify":
		return name
	case name == "default":
		return l.Provider
	case len(s.doc.Logins) > 1: // the file has an account of each provider
		return name[:min(len(name), 50)] + "-" + l.Provider
	}
	return name
}

// absorbed adds u to a unit that it completes: the same refresh token, or the
// one half (client id) to the other (tokens).
func absorbed(units []*unit, u *unit) bool {
	for _, v := range units {
		a, b := v.login, u.login
		same := !a.Refresh.Empty() && a.Refresh == b.Refresh
		halves := a.ClientID != "" && !a.HasTokens() && b.ClientID == "" && b.HasTokens()
		mirrored := b.ClientID != "" && !b.HasTokens() && a.ClientID == "" && a.HasTokens()
		if a.Provider != b.Provider || !same && !halves && !mirrored {
			continue
		}
		if mirrored {
			v.name = u.name
		}
		v.login = a.Merge(b)
		v.sources = append(v.sources, u.sources...)
		return true
	}
	return false
}

// borrow takes the client id, and its secret, from another login of the same
// provider that was found beside this one.
func borrow(u *unit, units []*unit) {
	if u.login.ClientID != "" {
		return
	}
	for _, v := range units {
		if v != u && v.login.Provider == u.login.Provider && v.login.ClientID != "" {
			u.login.ClientID, u.login.ClientSecret, u.login.RedirectURI = v.login.ClientID, v.login.ClientSecret, v.login.RedirectURI
			return
		}
	}
}
