package migrate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// variableOf is a variable of one of the known servers.
type variableOf struct {
	provider string
	what     what
}

var envSuffixes = map[string]what{
	"CLIENT_ID": clientID, "CLIENT_SECRET": clientSecret, "REDIRECT_URI": redirectURI, "CALLBACK_URL": redirectURI,
	"ACCESS_TOKEN": accessToken, "REFRESH_TOKEN": refreshToken, "TOKEN_EXPIRES_AT": expiresAt, "USE_KEYCHAIN": marker,
}

// tokenFiles are the variables with which a TIDAL server finds its tokens.
var tokenFiles = []string{"TIDAL_SESSION_PATH", "TIDAL_TOKEN_CACHE_PATH", "TIDAL_SESSION_FILE"}

// known is what a variable is, or nothing.
func known(key string) variableOf {
	prefix, suffix, _ := strings.Cut(key, "_")
	for _, s := range services {
		if w := envSuffixes[suffix]; w != 0 && slices.Contains(s.prefixes, prefix) {
			return variableOf{s.id, w}
		}
	}
	return variableOf{}
}

// maxExpanded bounds a value whose variables are filled in, in bytes.
const maxExpanded = 64 << 10

// envFile is an .env file taken apart.
type envFile struct {
	bom    string
	list   []binding
	last   map[string]binding // of all variables, the last one of a name
	values map[string]string  // of these, with variables filled in
	logins []Login

	readers map[string]*reader // by provider
	notes   []string
}

// parseEnv reads an .env file. Of a variable that is set twice the last line
// counts, an empty one too, as in python-dotenv. A secret that a later line takes
// the place of is a doubt: nobody can say which one is right.
func parseEnv(name string, data []byte, o Options) (Document, error) {
	body := strings.TrimPrefix(string(data), bom)
	f := &envFile{bom: string(data[:len(data)-len(body)]), list: bindings(body)}
	return f.document(Document{Format: DotEnv, Profile: envProfile(name)}, o)
}

// FromVariables reads variables that another program's settings have, such as the
// env of an MCP client's entry. Without says which of them would go.
func FromVariables(values map[string]string, o Options) (Document, error) {
	f := &envFile{}
	for i, key := range slices.Sorted(maps.Keys(values)) {
		f.list = append(f.list, binding{line: i + 1, key: key, value: values[key], quote: '\''})
	}
	return f.document(Document{Format: Variables, Profile: "default"}, o)
}

// document reads a file that was taken apart.
func (f *envFile) document(d Document, o Options) (Document, error) {
	f.last, f.values, f.readers, d.without = map[string]binding{}, map[string]string{}, map[string]*reader{}, f.without
	for _, s := range services {
		f.readers[s.id] = newReader(s, o.Local)
	}
	if err := f.read(); err != nil {
		return d, err
	}
	d.Notes = f.notes
	for _, s := range services {
		r := f.readers[s.id]
		f.takeAll(r)
		if f.moved(s.id) {
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
	for _, key := range tokenFiles {
		if path := strings.TrimSpace(f.values[key]); path != "" && !f.last[key].unset {
			d.Files = append(d.Files, Named{key, path})
		}
	}
	if len(d.Logins) == 0 && len(d.Files) == 0 && len(d.Moved) == 0 {
		why := "it sets none of SPOTIFY_CLIENT_ID, SPOTIFY_ACCESS_TOKEN, TIDAL_CLIENT_ID and so on"
		if len(d.Notes) > 0 { // an example that was copied and not filled in
			why = strings.Join(d.Notes, ", ")
		}
		return d, hint.Wrap(fmt.Errorf("%w: %s", ErrUnknown, why),
			"name an .env, session.json, .cache, spotify-config.json or .auth_audit.json, or the folder that has them")
	}
	d.Aliases = f.aliases()
	return d, nil
}

// read finds the value of each variable.
func (f *envFile) read() error {
	bad := 0
	room := MaxSize
	for _, b := range f.list {
		if b.bad {
			if key := b.mentions(); key != "" {
				return hint.Wrap(fmt.Errorf("line %d cannot be read, and it sets %s", b.line, key),
					"look for a quote that is not closed, mend the line and try again")
			}
			if bad++; bad == 1 {
				f.notes = append(f.notes, fmt.Sprintf("line %d cannot be read; it stays as it is", b.line))
			}
		}
		if b.key == "" {
			continue
		}
		v := known(b.key)
		for _, m := range reference().FindAllStringSubmatch(b.value, -1) {
			if u := known(m[1]); u.what.secretive() && f.values[m[1]] != "" && b.quote != '\'' {
				f.readers[u.provider].doubt(fmt.Sprintf("line %d uses %s, which would be taken out", b.line, m[1]))
			}
		}
		value := b.value
		if !v.what.secretive() { // a secret is never another variable's value
			var ok bool
			value, ok = expand(b.value, f.values, func(string) { b.unset = true }, min(room, max(len(b.value), maxExpanded)))
			if !ok {
				return hint.Wrap(fmt.Errorf("line %d: %s grows too large when its variables are filled in", b.line, shown(b.key)),
					"look at the ${…} in it and in the lines that it names")
			}
		}
		room -= len(value)
		if before := f.last[b.key]; v.what.secretive() && before.value != "" && before.value != value && !placeholder(before.value) {
			f.readers[v.provider].doubt(fmt.Sprintf("lines %d and %d set %s to different values", before.line, b.line, b.key))
		}
		f.values[b.key], f.last[b.key] = value, b
	}
	if bad > 1 {
		f.notes = append(f.notes, fmt.Sprintf("%d more lines cannot be read", bad-1))
	}
	return nil
}

var word = text.Pattern(`[A-Za-z_][A-Za-z0-9_]*`)

// mentions is the variable of a known server in an entry's first line, or "".
func (b binding) mentions() string {
	first, _, _ := strings.Cut(strings.ReplaceAll(b.text, "\r", "\n"), "\n")
	for _, key := range word().FindAllString(first, -1) {
		if known(key).what != 0 {
			return key
		}
	}
	return ""
}

// takeAll reads the variables of a provider, those with the preferred prefix
// first: SPOTIFY_ comes before SPOTIPY_.
func (f *envFile) takeAll(r *reader) {
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		v, b := known(key), f.last[key]
		switch {
		case v.provider != r.service.id:
		case !b.unset:
			r.take(v.what, key, f.values[key], b.quote == '`')
		case v.what == clientID:
			r.doubt(key + " refers to a variable that is not in the file")
		default:
			r.note(key + " refers to a variable that is not in the file")
		}
	}
}

// moved reports whether the marker of a provider is set.
func (f *envFile) moved(provider string) bool {
	return strings.EqualFold(strings.TrimSpace(f.values[Marker(provider)]), "true")
}

// aliases are variables that look like a client id under another name.
func (f *envFile) aliases() []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		if upper := strings.ToUpper(key); known(key).what == 0 && strings.Contains(upper, "CLIENT") && strings.Contains(upper, "ID") {
			list = append(list, shown(key))
		}
	}
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

// without takes out the lines whose values were imported and puts the marker
// where the first of them stood. A file that has none stays as it is.
func (f *envFile) without(providers []string) Rewritten {
	gone := map[int]bool{}        // entries whose value is in the vault: whatever else stands under such a name stays
	unmarked := map[string]bool{} // providers that lose one and have no marker yet
	var secrets []string          // that must not stand in the file any more
	for _, l := range f.logins {
		if !slices.Contains(providers, l.Provider) {
			continue
		}
		secrets = append(secrets, l.secrets()...)
		for i, b := range f.list {
			v := known(b.key)
			expiry := v.what == expiresAt && l.HasTokens() && !l.Expires.IsZero() && strings.TrimSpace(b.value) != ""
			if v.provider == l.Provider && (l.holds(v.what, b.value) || expiry) {
				gone[i], unmarked[v.provider] = true, !f.moved(v.provider)
			}
		}
	}
	out := []byte(f.bom)
	r := Rewritten{}
	for i, b := range f.list {
		v := known(b.key)
		switch {
		case gone[i]:
			r.Changes = append(r.Changes, "-"+b.key+"=[redacted]")
		case b.key == Marker(v.provider) && unmarked[v.provider]: // it says something else than true
			r.Changes = append(r.Changes, "-"+b.key)
		case b.key == "" && !b.bad && holds(b.text, secrets): // a comment
			r.Changes = append(r.Changes, "-# [redacted]")
			continue
		default:
			out = append(out, b.text...)
			if left := leftover(b, secrets); left != "" {
				r.Left = append(r.Left, left)
			}
			continue
		}
		if unmarked[v.provider] {
			unmarked[v.provider] = false
			line := Marker(v.provider) + "=true"
			r.Changes = append(r.Changes, "+"+line)
			out = append(out, line+b.text[len(strings.TrimRight(b.text, "\r\n")):]...)
		}
	}
	r.Data = out
	return r
}

// secrets are what must not stand in a file any more. Short ones are left out:
// they would be found in harmless words.
func (l Login) secrets() []string {
	list := []string{l.ClientSecret.Reveal(), l.Access.Reveal(), l.Refresh.Reveal()}
	return slices.DeleteFunc(list, func(s string) bool { return len(s) < 8 })
}

func holds(text string, secrets []string) bool {
	return slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(text, s) })
}

var assignment = text.Pattern(`(SPOTIFY|SPOTIPY|TIDAL)_(CLIENT_SECRET|ACCESS_TOKEN|REFRESH_TOKEN)['"]?\s*=\s*['"]?([^\s'"#]{8,})`)

// leftover says in words that a line which stays holds a secret.
func leftover(b binding, secrets []string) string {
	m := assignment().FindStringSubmatch(b.text)
	switch {
	case holds(b.text, secrets):
		return fmt.Sprintf("line %d repeats a secret that was imported", b.line)
	case m != nil && !placeholder(m[3]) && b.key != m[1]+"_"+m[2]:
		return fmt.Sprintf("line %d: a comment or another value holds %s_%s", b.line, m[1], m[2])
	case known(b.key).what == 0 && known(strings.ToUpper(b.key)).what.secretive() && b.value != "" && !placeholder(b.value):
		return fmt.Sprintf("line %d: %s is not read in this spelling", b.line, shown(b.key))
	}
	return ""
}

// shown is a name from a file in a message.
func shown(s string) string { return text.Line(s, 64) }
