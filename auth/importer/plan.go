package importer

import (
	"fmt"
	"slices"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/migrate"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// unit is a login together with the sources it is in.
type unit struct {
	login   migrate.Login
	name    string // of the profile to be
	sources []*source
	err     error // why it is not imported

	// What becomes of it.
	row    provider.Provider
	port   int // of the redirect URI; 0 for the usual one
	set    token.Set
	result Login
}

func (u *unit) warn(text string) { u.sources[0].warn("%s", text) }

// profile is the one to be.
func (u *unit) profile() profile.Profile {
	return profile.Profile{Name: u.name, Provider: u.row.ID, ClientID: u.login.ClientID, RedirectPort: u.port}
}

// planImport makes units of the logins: those of the same account that lie in
// two files, one with the client id and one with the tokens, become one.
func planImport(sources []*source, r Request) ([]*unit, error) {
	var units []*unit
	ids := map[string][]string{} // client ids by provider
	for _, s := range sources {
		for _, l := range s.doc.Logins {
			if id := l.ClientID; id != "" && !slices.Contains(ids[l.Provider], id) {
				ids[l.Provider] = append(ids[l.Provider], id)
			}
		}
	}
	for _, s := range sources {
		for _, l := range s.doc.Logins {
			u := &unit{login: l, sources: []*source{s}, name: proposedName(s, l, r)}
			if !absorbed(units, u, len(ids[l.Provider]) == 1) {
				units = append(units, u)
			}
		}
	}
	if r.Profile != "" && len(units) > 1 {
		return nil, hint.Wrap(fmt.Errorf("%w: %d", ErrSeveral, len(units)),
			"import one file at a time, or one provider's with --provider, or leave --profile out")
	}
	taken := map[string]bool{}
	for _, u := range units {
		base := u.name
		for n := 2; taken[u.name]; n++ {
			u.name = fmt.Sprintf("%s-%d", base[:min(len(base), 60)], n)
		}
		taken[u.name] = true
		switch l, known := &u.login, ids[u.login.Provider]; {
		case r.ClientID != "" && l.ClientID != "" && l.ClientID != r.ClientID:
			u.err = hint.New("the file has another client id than --client-id says", "leave --client-id out to import what is in the file")
		case l.ClientID != "":
		case r.ClientID != "":
			l.ClientID = r.ClientID
		case len(known) == 1:
			borrow(u, units, known[0])
		case len(known) > 1:
			u.err = hint.New("there are several client ids in the folder, and nothing says to which one its tokens belong",
				"import it by its name, with --client-id ID")
		}
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

// absorbed adds u to a unit that it completes: the same refresh token, or, if
// there is just one client id, that one's half to the half with the tokens.
func absorbed(units []*unit, u *unit, oneClient bool) bool {
	for _, v := range units {
		a, b := v.login, u.login
		same := !a.Refresh.Empty() && a.Refresh == b.Refresh
		halves := oneClient && a.ClientID != "" && !a.HasTokens() && b.ClientID == "" && b.HasTokens()
		mirrored := oneClient && b.ClientID != "" && !b.HasTokens() && a.ClientID == "" && a.HasTokens()
		if a.Provider != b.Provider || !same && !halves && !mirrored {
			continue
		}
		if same && (a.ClientID != b.ClientID && a.ClientID != "" && b.ClientID != "" || !agree(a.ClientSecret, b.ClientSecret)) {
			continue // of another client
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

func agree(a, b secret.String) bool { return a.Empty() || b.Empty() || a == b }

// borrow takes the one client id that there is, and its secret, from the login
// that was found beside this one.
func borrow(u *unit, units []*unit, id string) {
	for _, v := range units {
		if l := v.login; v != u && l.Provider == u.login.Provider && l.ClientID == id {
			u.login.ClientID, u.login.ClientSecret, u.login.RedirectURI = id, l.ClientSecret, l.RedirectURI
			return
		}
	}
}
