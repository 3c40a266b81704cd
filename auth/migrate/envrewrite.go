package migrate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// without takes out the lines whose values were imported and puts the marker
// where the first of them stood.
func (f *envFile) without(providers []string) Rewritten {
	var out strings.Builder
	if f.bom {
		out.WriteString(bom)
	}
	r := Rewritten{}
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
		v, known := f.names[b.key]
		switch mine := known && !b.bad && slices.Contains(providers, v.provider); {
		case mine && v.what.secretive() && b.value != "" && !placeholder(b.value) && !f.keep[i]:
			r.Changes = append(r.Changes, "-"+b.key+"=[redacted]")
			mark(v.provider, ending(b.text))
		case mine && v.what == marker && !marked[v.provider] && b.key == Marker(v.provider):
			r.Changes = append(r.Changes, "-"+b.key)
			mark(v.provider, ending(b.text))
		case b.key == "" && !b.bad && holds(b.text, secrets): // a comment
			r.Changes = append(r.Changes, "-# [redacted]")
		default:
			out.WriteString(b.text)
			if left := leftover(b, secrets, f.keep[i]); left != "" {
				r.Left = append(r.Left, left)
			}
		}
	}
	for _, p := range providers {
		if marked[p] {
			continue
		}
		end := "\n"
		if strings.Contains(out.String(), "\r\n") {
			end = "\r\n"
		}
		if s := strings.TrimPrefix(out.String(), bom); s != "" && ending(s) == "" {
			out.WriteString(end)
		}
		mark(p, end)
	}
	r.Data = []byte(out.String())
	return r
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
func leftover(b binding, secrets []string, unusable bool) string {
	m := assignment.FindStringSubmatch(b.text)
	switch {
	case unusable && b.value != "" && !placeholder(b.value):
		return fmt.Sprintf("line %d: %s could not be imported and still stands there", b.line, b.key)
	case holds(b.text, secrets):
		return fmt.Sprintf("line %d repeats a secret that was imported", b.line)
	case m != nil && !placeholder(m[3]) && b.key != m[1]+"_"+m[2]:
		return fmt.Sprintf("line %d: a comment or another value holds %s_%s", b.line, m[1], m[2])
	}
	return ""
}

// ending returns the line end that s has.
func ending(s string) string { return s[len(strings.TrimRight(s, "\r\n")):] }
