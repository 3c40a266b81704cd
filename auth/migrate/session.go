package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// parseObject reads a JSON file with a login. Every service answers a login
// with the same members, so whose login it is must be plain from something
// else: the exact members that one known program writes, a token's issuer, an
// address, scopes, how the tokens begin, or our own marker.
func parseObject(name string, data []byte, o Options) (Document, error) {
	obj, err := decodeObject(data)
	if err != nil {
		return Document{}, err
	}
	d := Document{Moved: moved(obj)}
	s, form, err := recognise(name, obj, &d, o)
	if err != nil {
		return d, err
	}
	d.Format = format(name, s, form, obj)
	r := obj.login(s, o.Local)
	if err := r.doubtful(); err != nil {
		return d, err
	}
	d.Notes = r.notes
	if d.Format == TidalAPI && r.login.HasTokens() {
		// Some servers run the library with the user's own client id.
		d.Notes = append(d.Notes, "tidalapi signs in with a client id of its own: if the token cannot be renewed with yours, sign in again")
	}
	if user, ok := strings.CutPrefix(name, ".cache-"); ok && !strings.Contains(user, "@") { // an e-mail address becomes no name
		d.Profile = user
	}
	if !r.login.Empty() {
		d.Logins = []Login{r.login}
		d.without = obj.without(r.login, form)
	}
	return d, nil
}

// recognise finds the service whose login a file holds.
func recognise(name string, obj *object, d *Document, o Options) (service, layout, error) {
	var found []service
	var form layout
	held := false
	for _, s := range services {
		i := slices.IndexFunc(layouts, func(l layout) bool { return l.provider == s.id && l.fits(name, obj) })
		r := obj.login(s, o.Local)
		held = held || r.login.HasTokens() || !r.login.ClientSecret.Empty() || len(r.doubts) > 0
		if i >= 0 {
			form = layouts[i]
		}
		if i >= 0 || s.proof(obj, r.login, d.Moved) {
			found = append(found, s)
		}
	}
	asked, ok := serviceOf(o.Provider)
	others := slices.DeleteFunc(hosts(obj), func(host string) bool {
		return slices.ContainsFunc(found, func(s service) bool { return s.owns(host) }) || ok && asked.owns(host)
	})
	switch {
	case len(found) == 0 && !held:
		return asked, form, hint.Wrap(fmt.Errorf("%w: the JSON has no token in it", ErrUnknown),
			"name a session.json, .cache, spotify-config.json or .auth_audit.json, or the folder that has them")
	case len(others) > 0:
		return asked, form, hint.Wrap(fmt.Errorf("%w: it is a login at %s", ErrForeign, shown(others[0])),
			"only logins at Spotify and TIDAL can be imported; others begin with stagedoor create-profile")
	case len(found) == 1 && (!ok || found[0].id == asked.id):
		return found[0], form, nil
	case len(found) == 1:
		return asked, form, hint.Wrap(fmt.Errorf("%w: it is a login at %s", ErrForeign, found[0].name), "say --provider "+found[0].id)
	case !ok:
		return asked, form, hint.Wrap(fmt.Errorf("%w: it has a token, and nothing in it says that it is Spotify's or TIDAL's", ErrForeign),
			"if you know whose it is, say --provider spotify or --provider tidal")
	}
	d.Unsure = "nothing in it says that it is a login at " + asked.name
	return asked, form, nil
}

// format names the way a file is laid out.
func format(name string, s service, form layout, o *object) Format {
	switch {
	case form.format != "":
		return form.format
	case s.id == "spotify" && (o.values["clientId"] != nil || o.values["accessToken"] != nil):
		return SpotifyConfig
	case s.id == "spotify":
		return Spotipy
	case o.values["expiry_time"] != nil || o.values["is_pkce"] != nil:
		return TidalAPI
	case name == "session.json" || o.values["access_token"] != nil:
		return TidalSession
	}
	return TidalAPI
}

// without takes out what was imported, and with the tokens what is about them
// only, and puts the marker in front. The client id and the redirect URI stay: a
// server wants them there, and says plainly that the client secret is missing
// when it is started without Stagedoor.
func (o *object) without(l Login, form layout) func(providers []string) Rewritten {
	about := slices.Concat([]string{"token_type", "expires_in", "scope"}, form.all, form.more)
	return func(providers []string) Rewritten {
		r := Rewritten{}
		if !slices.Contains(providers, l.Provider) {
			return r
		}
		members := o.doc.Value.(*hujson.Object).Members
		kept := []hujson.ObjectMember{
			withName(members[0], Marker(l.Provider), hujson.Bool(true)), withName(members[0], "stagedoor", hujson.String(note)),
		}
		secrets := 0
		for i, m := range o.members {
			w, lower := memberNames[m.name], strings.ToLower(m.name)
			text, _ := plainValue(m.raw)
			switch {
			case m.name == Marker(l.Provider) || m.name == "stagedoor":
				continue
			case w.secretive() && l.holds(w, text):
				r.Changes, secrets = append(r.Changes, "-"+m.name+": [redacted]"), secrets+1
				continue
			case l.HasTokens() && slices.Contains(about, m.name) && (w == 0 || w.secretive() && text == ""),
				w == expiresAt && l.HasTokens() && (text == "0" || !l.Expires.IsZero()):
				r.Changes = append(r.Changes, "-"+m.name+": [redacted]")
				continue
			case w.secretive() && text == "" && len(m.raw) <= len(`null`): // the program's way to say "none"
			case w != clientID && (strings.Contains(lower, "token") || strings.Contains(lower, "secret")) && !placeholder(text):
				r.Left = append(r.Left, shown(m.name)+" still stands there")
			}
			kept = append(kept, members[i])
		}
		if secrets == 0 {
			return Rewritten{Left: r.Left}
		}
		r.Changes = append(r.Changes, "+"+Marker(l.Provider)+": true")
		kept[len(kept)-1].Value.AfterExtra = nil // or there would be a comma behind it
		doc := o.doc
		doc.Value = &hujson.Object{Members: kept, AfterExtra: doc.Value.(*hujson.Object).AfterExtra}
		r.Data = doc.Pack()
		return r
	}
}

// withName is a member that stands in the file as another one does.
func withName(like hujson.ObjectMember, name string, value hujson.Literal) hujson.ObjectMember {
	return hujson.ObjectMember{
		Name:  hujson.Value{BeforeExtra: like.Name.BeforeExtra, Value: hujson.String(name)},
		Value: hujson.Value{BeforeExtra: like.Value.BeforeExtra, Value: value},
	}
}
