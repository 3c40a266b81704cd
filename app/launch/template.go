// Package launch starts an MCP server with what it needs of a login: a fresh
// access token and nothing else of ours. The refresh token and the client
// secret stay in the vault, whatever the server asks for.
package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Placeholder stands where a server insists on a secret that it does not need
// under Stagedoor.
const Placeholder = "held-by-stagedoor"

// Values are what a template can name.
type Values struct {
	AccessToken secret.String
	TokenType   string
	Expires     time.Time
	Scopes      []string
	ClientID    string
	RedirectURI string
	Profile     string // its name
	// Known is what belongs to the login besides: a provider's row names it.
	Known    map[string]string
	RunDir   string        // the private folder of this start, absolute
	FreePort func() string // of 127.0.0.1, on which nobody listened a moment ago; the same at each call
}

// holes are the parts of a template that Render fills in.
var holes = []struct {
	name  string
	value func(Values) string
}{
	{"{access_token}", func(v Values) string { return v.AccessToken.Reveal() }},
	{"{secret}", func(v Values) string { return v.AccessToken.Reveal() }}, // of an API key, and of a login the same
	{"{token_type}", func(v Values) string { return v.TokenType }},
	{"{expires_at}", func(v Values) string { return strconv.FormatInt(v.Expires.Unix(), 10) }},
	{"{expires_at_ms}", func(v Values) string { return strconv.FormatInt(v.Expires.UnixMilli(), 10) }},
	// As Python's datetime writes a time without a zone, which it reads as local.
	{"{expires_at_iso_local}", func(v Values) string { return v.Expires.Local().Format("2006-01-02T15:04:05") }},
	{"{scope}", func(v Values) string { return strings.Join(v.Scopes, " ") }},
	{"{client_id}", func(v Values) string { return v.ClientID }},
	{"{redirect_uri}", func(v Values) string { return v.RedirectURI }},
	{"{profile}", func(v Values) string { return v.Profile }},
	{"{run_dir}", func(v Values) string { return v.RunDir }},
	{"{free_port}", func(v Values) string {
		if v.FreePort == nil { // the template is only checked
			return ""
		}
		return v.FreePort()
	}},
}

// NamesToken reports whether a template has a token or an API key in it.
func NamesToken(template string) bool {
	return strings.Contains(template, "{access_token}") || strings.Contains(template, "{secret")
}

var envName = text.Pattern(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Var is one environment variable to deliver.
type Var struct{ Name, Template string }

// ParseVar reads NAME=TEMPLATE and checks both, so that a slip shows when the
// entry is set up and not when Claude starts it.
func ParseVar(s string) (Var, error) {
	name, template, ok := strings.Cut(s, "=")
	if !ok || !envName().MatchString(name) {
		return Var{}, hint.Wrap(fmt.Errorf("%q is not NAME=TEMPLATE", s), "for example --env API_TOKEN={access_token}")
	}
	if ours(name) {
		return Var{}, hint.Wrap(fmt.Errorf("%s is Stagedoor's own", name), "choose the name that the server reads")
	}
	v := Var{Name: name, Template: template}
	_, err := v.Render(Values{})
	return v, err
}

// Render fills the template in.
func (v Var) Render(values Values) (string, error) { return render(v.Name, v.Template, values) }

// UnmarshalText is ParseVar.
func (v *Var) UnmarshalText(text []byte) (err error) {
	*v, err = ParseVar(string(text))
	return err
}

// MarshalText returns NAME=TEMPLATE.
func (v Var) MarshalText() ([]byte, error) { return []byte(v.Name + "=" + v.Template), nil }

// File is one file to deliver. Path is relative to the private folder of a start,
// with slashes.
type File struct{ Path, Template string }

var filePath = text.Pattern(`^[A-Za-z0-9._/-]{1,200}$`)

// ParseFile reads PATH=TEMPLATE as ParseVar does. A path may begin with {run_dir}/.
func ParseFile(s string) (File, error) {
	path, template, ok := strings.Cut(s, "=")
	path = strings.TrimPrefix(path, "{run_dir}/")
	if !ok || !filePath().MatchString(path) || path == "." || !fs.ValidPath(path) || !filepath.IsLocal(path) {
		return File{}, hint.Wrap(fmt.Errorf("%q is not PATH=TEMPLATE", s),
			`the path is relative to a private folder, which {run_dir} names in variables: --file session.json={"token":"{access_token}"}`)
	}
	f := File{Path: path, Template: template}
	_, err := f.Render(Values{})
	return f, err
}

// Render returns the content of the file.
func (f File) Render(values Values) (string, error) { return render(f.Path, f.Template, values) }

// UnmarshalText is ParseFile.
func (f *File) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFile(string(text))
	return err
}

// MarshalText returns PATH=TEMPLATE.
func (f File) MarshalText() ([]byte, error) { return []byte(f.Path + "=" + f.Template), nil }

var (
	other    = text.Pattern(`\{secret:([a-z0-9][a-z0-9_-]*)\}`)
	braces   = text.Pattern(`\{secret:[a-z0-9][a-z0-9_-]*\}|\{\{\{[A-Za-z_]+\}\}\}|\{\{[A-Za-z_]+\}\}|\{[A-Za-z_]+\}`)
	jsonText = text.Pattern(`^\s*(\{\s*"|\[)`)
)

// render fills the holes of a template. {{word}} is the word in braces, {{{word}}} is
// what fills the hole in braces, and any other brace is itself, so that a template may
// be JSON, whose strings then hold whatever a value has.
func render(where, template string, values Values) (string, error) {
	var refused error
	inJSON := jsonText().MatchString(template)
	out := braces().ReplaceAllStringFunc(template, func(word string) string {
		before, after := "", ""
		switch strings.Count(word, "{") {
		case 2:
			return word[1 : len(word)-1]
		case 3:
			before, word, after = "{", word[2:len(word)-2], "}"
		}
		value, err := fill(where, word, values)
		if refused == nil {
			refused = err
		}
		if inJSON {
			quoted, _ := jsontext.AppendQuote(nil, value) // of what is no UTF-8, it replaces that
			value = string(quoted[1 : len(quoted)-1])
		}
		return before + value + after
	})
	if refused != nil {
		return "", refused
	}
	return out, nil
}

// fill returns the value of a word in braces: its own text if it is no hole, and
// an error if it looks like a slip for one.
func fill(where, word string, values Values) (string, error) {
	name := strings.Trim(word, "{}")
	if value, ok := values.Known[name]; ok {
		return value, nil
	}
	if name, ok := strings.CutPrefix(name, "secret:"); ok {
		if values.AccessToken.Empty() { // the template is only checked
			return "", nil
		}
		return "", hint.Wrap(fmt.Errorf("%s: the key of %s is not at hand", where, name), "see stagedoor profiles")
	}
	if slices.Contains(provider.ValueNames(), name) && !values.AccessToken.Empty() { // else the template is only checked
		return "", hint.Wrap(fmt.Errorf("%s: the login has %w %s", where, errNoValue, name),
			"sign in again, which asks the provider for it: stagedoor login; or give the value by hand: --env "+where+"=VALUE")
	}
	names := make([]string, len(holes))
	for i, h := range holes {
		if h.name == word {
			return h.value(values), nil
		}
		names[i] = strings.Trim(h.name, "{}")
	}
	if word == "{refresh_token}" || word == "{client_secret}" {
		return "", hint.Wrap(fmt.Errorf("%s: %s is never handed out", where, word),
			"the server gets a fresh access token; if it insists on a value, write "+Placeholder+" in place of "+word)
	}
	if near := hint.Nearest(strings.ToLower(strings.Trim(word, "{}")), names); near != "" {
		return "", hint.Wrap(fmt.Errorf("%s: there is no %s", where, word), "did you mean {"+near+"}? To have these letters, write {"+word+"}")
	}
	return word, nil
}

// Others are the profiles, besides the server's own, whose API keys are named in the form
// {secret:NAME}.
func (d Delivery) Others() (names []string) {
	var all []string
	for _, v := range d.Env {
		all = append(all, v.Template)
	}
	for _, f := range d.Files {
		all = append(all, f.Template)
	}
	for _, m := range other().FindAllStringSubmatch(strings.Join(all, "\n"), -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

// ours reports whether a variable is Stagedoor's own, however it is spelt.
func ours(name string) bool { return strings.HasPrefix(strings.ToUpper(name), "STAGEDOOR_") }

// errNoValue says that a login has not got what a template names.
var errNoValue = errors.New("no")

// Environ returns the child's environment: base without anything of ours, and
// the variables, of which the last of a name counts. base is the environment this process was started with.
// A variable of it stays where the login has no value for the template.
func Environ(base []string, vars []Var, values Values) ([]string, error) {
	env := slices.DeleteFunc(slices.Clone(base), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return ours(name)
	})
	for i, v := range vars {
		if slices.ContainsFunc(vars[i+1:], func(later Var) bool { return sameName(v.Name, later.Name) }) {
			continue
		}
		is := func(kv string) bool {
			name, _, _ := strings.Cut(kv, "=")
			return sameName(v.Name, name)
		}
		value, err := v.Render(values)
		if errors.Is(err, errNoValue) && slices.ContainsFunc(env, is) {
			continue
		}
		if err != nil {
			return nil, err
		}
		env = slices.DeleteFunc(env, is)
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("%s: the value contains a NUL byte", v.Name)
		}
		env = append(env, v.Name+"="+value)
	}
	return env, nil
}
