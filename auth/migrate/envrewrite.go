package migrate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// without takes out the lines whose values were imported and puts the marker
// where the first of them stood. A file that has none stays as it is.
func (f *envFile) without(providers []string) Rewritten {
	var out strings.Builder
	if f.bom {
		out.WriteString(bom)
	}
	r := Rewritten{}
	gone := f.imported(providers)
	marked := map[string]bool{}
	for _, p := range providers {
		marked[p] = strings.EqualFold(strings.TrimSpace(f.values[Marker(p)]), "true")
	}
	mark := func(p, lineEnd string) {
		if !marked[p] {
			marked[p] = true
			out.WriteString(Marker(p) + "=true" + lineEnd)
			r.Changes = append(r.Changes, "+"+Marker(p)+"=true")
		}
	}
	secrets := f.secrets(providers)
	for i, b := range f.list {
		v := f.names[b.key]
		switch {
		case gone[i]:
			r.Changes = append(r.Changes, "-"+b.key+"=[redacted]")
			mark(v.provider, ending(b.text))
		case !b.bad && v.what == marker && b.key == Marker(v.provider) && !marked[v.provider] && f.loses(v.provider, gone):
			r.Changes = append(r.Changes, "-"+b.key)
			mark(v.provider, ending(b.text))
		case b.key == "" && !b.bad && holds(b.text, secrets): // a comment
			r.Changes = append(r.Changes, "-# [redacted]")
		default:
			out.WriteString(b.text)
			if left := leftover(b, secrets); left != "" {
				r.Left = append(r.Left, left)
			}
		}
	}
	r.Data = []byte(out.String())
	return r
}

// imported tells the bindings whose value is one that was imported. Whatever
// else stands under such a name is in no vault, so it stays.
func (f *envFile) imported(providers []string) map[int]bool {
	gone := map[int]bool{}
	for _, l := range f.logins {
		if !slices.Contains(providers, l.Provider) {
			continue
		}
		for i, b := range f.list {
			v := f.names[b.key]
			expiry := v.what == expiresAt && l.HasTokens() && !l.Expires.IsZero() && strings.TrimSpace(b.value) != ""
			if !b.bad && v.provider == l.Provider && (l.holds(v.what, b.value) || expiry) {
				gone[i] = true
			}
		}
	}
	return gone
}

// loses reports whether a line of the provider's is taken out.
func (f *envFile) loses(provider string, gone map[int]bool) bool {
	for i, out := range gone {
		if out && f.names[f.list[i].key].provider == provider {
			return true
		}
	}
	return false
}

// secrets are the imported values that must not stand in the file any more.
// Short ones are left out: they would be found in harmless words.
func (f *envFile) secrets(providers []string) []string {
	var list []string
	for _, l := range f.logins {
		if !slices.Contains(providers, l.Provider) {
			continue
		}
		for _, s := range []string{l.ClientSecret.Reveal(), l.Access.Reveal(), l.Refresh.Reveal()} {
			if len(s) >= 8 {
				list = append(list, s)
			}
		}
	}
	return list
}

func holds(text string, secrets []string) bool {
	return slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(text, s) })
}

var assignment = regexp.MustCompile(`(SPOTIFY|SPOTIPY|TIDAL)_(CLIENT_SECRET|ACCESS_TOKEN|REFRESH_TOKEN)['"]?\s*=\s*['"]?([^\s'"#]{8,})`)

// leftover says in words that a line which stays holds a secret.
func leftover(b binding, secrets []string) string {
	m := assignment.FindStringSubmatch(b.text)
	switch {
	case holds(b.text, secrets):
		return fmt.Sprintf("line %d repeats a secret that was imported", b.line)
	case m != nil && !placeholder(m[3]) && b.key != m[1]+"_"+m[2]:
		return fmt.Sprintf("line %d: a comment or another value holds %s_%s", b.line, m[1], m[2])
	}
	return ""
}

// ending returns the line end that s has.
func ending(s string) string { return s[len(strings.TrimRight(s, "\r\n")):] }
