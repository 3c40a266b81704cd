package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

type variableOf struct {
	provider string
	what     what
}

// envNames are the variables of the known servers.
func envNames() map[string]variableOf {
	names := map[string]variableOf{}
	for _, s := range services() {
		for _, prefix := range s.prefixes {
			for suffix, w := range map[string]what{
				"CLIENT_ID": clientID, "CLIENT_SECRET": clientSecret, "REDIRECT_URI": redirectURI,
				"ACCESS_TOKEN": accessToken, "REFRESH_TOKEN": refreshToken,
				"TOKEN_EXPIRES_AT": expiresAt, "USE_KEYCHAIN": marker,
			} {
				names[prefix+"_"+suffix] = variableOf{s.id, w}
			}
		}
	}
	names["TIDAL_CALLBACK_URL"] = variableOf{"tidal", redirectURI}
	return names
}

// maxExpanded bounds a value whose variables are filled in, in bytes.
const maxExpanded = 64 << 10

// envFile is an .env file taken apart.
type envFile struct {
	bom    bool
	list   []binding
	names  map[string]variableOf
	values map[string]string // of all variables, the last one of a name
	logins []Login
}

// parseEnv reads an .env file. Of a variable that is set twice the last line
// counts, an empty one too, as in python-dotenv.
func parseEnv(name string, data []byte, o Options) (Document, error) {
	text, found := strings.CutPrefix(string(data), bom)
	f := &envFile{bom: found, list: bindings(text), names: envNames(), values: map[string]string{}}
	d := Document{Format: DotEnv, Profile: envProfile(name), without: f.without}
	readers := map[string]*reader{}
	for _, s := range services() {
		readers[s.id] = newReader(s, o.Local)
	}
	last := map[string]binding{}
	bad := 0
	room := MaxSize
	for _, b := range f.list {
		switch {
		case b.bad:
			for _, key := range word.FindAllString(b.text[:untilLineEnd(b.text)], -1) {
				if f.names[key].what != 0 {
					return d, hint.Wrap(fmt.Errorf("line %d cannot be read, and it sets %s", b.line, key),
						"look for a quote that is not closed, mend the line and try again")
				}
			}
			if bad++; bad == 1 {
				d.Notes = append(d.Notes, fmt.Sprintf("line %d cannot be read; it stays as it is", b.line))
			}
		case b.key != "":
			v := f.names[b.key]
			for _, m := range reference.FindAllStringSubmatch(b.value, -1) {
				if u := f.names[m[1]]; u.what.secretive() && f.values[m[1]] != "" && b.quote != '\'' {
					readers[u.provider].doubt(fmt.Sprintf("line %d uses %s, which would be taken out", b.line, m[1]))
				}
			}
			value, ok := b.value, true
			if !v.what.secretive() { // a secret is never another variable's value
				value, ok = expand(b.value, f.values, func(string) {
					if v.what != 0 {
						b.quote = '$'
					}
				}, min(room, max(len(b.value), maxExpanded)))
			}
			if !ok {
				return d, hint.Wrap(fmt.Errorf("line %d: %s grows too large when its variables are filled in", b.line, shown(b.key)),
					"look at the ${…} in it and in the lines that it names")
			}
			room -= len(value)
			if before := last[b.key]; v.what.secretive() && value != "" && before.value != "" && before.value != value &&
				!placeholder(value) && !placeholder(before.value) {
				readers[v.provider].doubt(fmt.Sprintf("lines %d and %d set %s to different values", before.line, b.line, b.key))
			}
			f.values[b.key], last[b.key] = value, b
		}
	}
	if bad > 1 {
		d.Notes = append(d.Notes, fmt.Sprintf("%d more lines cannot be read", bad-1))
	}
	for _, s := range services() {
		r := readers[s.id]
		for _, key := range f.ordered(s.id) {
			switch w := f.names[key].what; {
			case last[key].quote != '$':
				r.take(w, key, f.values[key], last[key].quote == '`')
			case w == clientID:
				r.doubt(key + " refers to a variable that is not in the file")
			default:
				r.note(key + " refers to a variable that is not in the file")
			}
		}
		if strings.EqualFold(strings.TrimSpace(f.values[Marker(s.id)]), "true") {
			d.Moved = append(d.Moved, s.id)
		}
		if o.Provider != "" && o.Provider != s.id {
			continue
		}
		if err := r.doubtful(); err != nil {
			return d, err
		}
		if !r.login.Empty() {
			f.logins = append(f.logins, r.login)
		}
		d.Notes = append(d.Notes, r.notes...)
	}
	d.Logins = f.logins
	if len(d.Logins) == 0 && len(d.Moved) == 0 {
		return d, hint.Wrap(fmt.Errorf("%w: it sets none of SPOTIFY_CLIENT_ID, SPOTIFY_ACCESS_TOKEN, TIDAL_CLIENT_ID and so on", ErrUnknown),
			"name an .env, session.json, .cache, spotify-config.json or .auth_audit.json, or the folder that has them")
	}
	d.Aliases = f.aliases()
	return d, nil
}

// aliases are variables that look like a client id under another name.
func (f *envFile) aliases() []string {
	var list []string
	for key := range f.values {
		if upper := strings.ToUpper(key); f.names[key].what == 0 && strings.Contains(upper, "CLIENT") && strings.Contains(upper, "ID") {
			list = append(list, shown(key))
		}
	}
	slices.Sort(list)
	return list[:min(len(list), 3)]
}

// envProfile is what follows ".env." in the name. The old server calls the
// profile of the plain file "default". An e-mail address becomes no name.
func envProfile(name string) string {
	if after, ok := strings.CutPrefix(name, ".env."); ok && after != "" && !strings.Contains(after, "@") {
		return after
	}
	return "default"
}

// ordered lists the variables of a provider that the file sets, those with the
// preferred prefix first.
func (f *envFile) ordered(provider string) []string {
	var keys []string
	for key := range f.values {
		if f.names[key].provider == provider {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys) // SPOTIFY_ comes before SPOTIPY_
	return keys
}

// shown is a name from a file in a message.
func shown(s string) string { return text.Line(s, 64) }
