package migrate

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// tidalSession reads session.json of the TIDAL server. Its times are Python's
// datetime.now().isoformat(): local, without a zone.
func tidalSession(o *object, local *time.Location) Document {
	l := Login{
		Provider: "tidal",
		Access:   o.secret("access_token", o.text("access_token")),
		Refresh:  o.secret("refresh_token", o.text("refresh_token")),
		Expires:  o.time("expires_at", o.text("expires_at"), local),
	}
	if saved := o.text("saved_at"); l.HasTokens() && saved != "" {
		l.Issued = o.time("saved_at", saved, local)
	}
	return replaced(TidalSession, l)
}

// tidalAPI reads what the library's Session.save_session_to_file writes, and
// the flat variant of it that has the expiry too. The tokens belong to a client
// id that is built into the library, so only the access token is of use with
// another one; the refresh token is taken along all the same, since some
// servers run the library with the user's own client id.
func tidalAPI(o *object, local *time.Location) Document {
	l := Login{
		Provider: "tidal",
		Access:   o.secret("access_token", o.text("access_token")),
		Refresh:  o.secret("refresh_token", o.text("refresh_token")),
		Expires:  o.time("expiry_time", o.text("expiry_time"), local),
	}
	if l.HasTokens() {
		o.note("tidalapi signs in with a client id of its own: if the token cannot be renewed with yours, sign in again")
	}
	return replaced(TidalAPI, l)
}

// spotipyCache reads spotipy's .cache, or .cache-USER for an account of its
// own.
func spotipyCache(name string, o *object, local *time.Location) Document {
	l := Login{
		Provider: "spotify",
		Access:   o.secret("access_token", o.text("access_token")),
		Refresh:  o.secret("refresh_token", o.text("refresh_token")),
		Expires:  o.time("expires_at", o.text("expires_at"), local),
		Scopes:   scopes(o.text("scope")),
	}
	if life, err := time.ParseDuration(o.text("expires_in") + "s"); err == nil && life > 0 && life <= 24*time.Hour && !l.Expires.IsZero() {
		l.Issued = l.Expires.Add(-life)
	}
	d := replaced(Spotipy, l)
	d.Profile = strings.TrimPrefix(strings.TrimPrefix(name, ".cache"), "-")
	return d
}

// scopes reads a list separated by spaces. A scope that is none is dropped:
// what was granted is told anew with the next refresh.
func scopes(s string) []string {
	list := slices.DeleteFunc(strings.Fields(s), func(scope string) bool {
		return !visible(scope) || strings.ContainsAny(scope, `"\`) || len(scope) > 256
	})
	if len(list) == 0 || len(list) > 200 {
		return nil
	}
	return list
}

// spotifyConfig reads spotify-config.json, whose expiry is in milliseconds. Of
// this file only the secrets go: the server wants the client id and the
// redirect URI there, and says plainly that the client secret is missing when
// it is started without Stagedoor.
func spotifyConfig(o *object, local *time.Location) Document {
	l := Login{
		Provider:     "spotify",
		ClientID:     o.clientID("clientId", o.text("clientId")),
		ClientSecret: o.secret("clientSecret", o.text("clientSecret")),
		RedirectURI:  o.redirect("redirectUri", o.text("redirectUri")),
		Access:       o.secret("accessToken", o.text("accessToken")),
		Refresh:      o.secret("refreshToken", o.text("refreshToken")),
	}
	if at := o.text("expiresAt"); at != "0" {
		l.Expires = o.time("expiresAt", at, local)
	}
	d := Document{Format: SpotifyConfig}
	if !l.Empty() {
		d.Logins = []Login{l}
	}
	d.without = func(providers []string) Rewritten {
		if !slices.Contains(providers, l.Provider) {
			return Rewritten{}
		}
		r := Rewritten{}
		var kept []member
		for _, m := range o.members {
			switch m.name {
			case "clientSecret", "accessToken", "refreshToken", "expiresAt":
				if len(m.raw) > 2 { // not "", {} or 0
					r.Changes = append(r.Changes, "-"+m.name+": [redacted]")
				}
			case Marker(l.Provider):
			default:
				kept = append(kept, m)
			}
		}
		if len(r.Changes) == 0 {
			return Rewritten{}
		}
		r.Changes = append(r.Changes, "+"+Marker(l.Provider)+": true")
		r.Data = marked(l.Provider, kept)
		return r
	}
	return d
}

// replaced is a document whose file is replaced as a whole.
func replaced(f Format, l Login) Document {
	d := Document{Format: f}
	if !l.Empty() {
		d.Logins = []Login{l}
	}
	d.without = func(providers []string) Rewritten {
		if !slices.Contains(providers, l.Provider) {
			return Rewritten{}
		}
		return Rewritten{
			Data:    marked(l.Provider, nil),
			Changes: []string{"-access_token, refresh_token and the rest: [redacted]", "+" + Marker(l.Provider) + ": true"},
		}
	}
	return d
}

// marked writes an object with the marker in front and the members behind it.
func marked(provider string, kept []member) []byte {
	kept = slices.DeleteFunc(slices.Clone(kept), func(m member) bool { return m.name == "stagedoor" })
	about, _ := json.Marshal(note)
	kept = append([]member{{Marker(provider), json.RawMessage("true")}, {"stagedoor", about}}, kept...)
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range kept {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(m.name)
		b.Write(name)
		b.WriteByte(':')
		b.Write(m.raw)
	}
	b.WriteByte('}')
	var out bytes.Buffer
	if json.Indent(&out, b.Bytes(), "", "  ") != nil {
		return b.Bytes() // cannot be: the members were decoded
	}
	out.WriteByte('\n')
	return out.Bytes()
}
