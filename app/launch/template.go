// Package launch starts an MCP server with what it needs of a login: a fresh
// access token and nothing else of ours. The refresh token and the client
// secret stay in the vault, whatever the server asks for.
package launch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
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
}

// holes are the parts of a template that Render fills in.
var holes = []struct {
	name  string
	value func(Values) string
}{
	{"{access_token}", func(v Values) string { return v.AccessToken.Reveal() }},
	{"{token_type}", func(v Values) string { return v.TokenType }},
	{"{expires_at}", func(v Values) string { return strconv.FormatInt(v.Expires.Unix(), 10) }},
	{"{expires_at_ms}", func(v Values) string { return strconv.FormatInt(v.Expires.UnixMilli(), 10) }},
	{"{scope}", func(v Values) string { return strings.Join(v.Scopes, " ") }},
	{"{client_id}", func(v Values) string { return v.ClientID }},
	{"{redirect_uri}", func(v Values) string { return v.RedirectURI }},
	{"{profile}", func(v Values) string { return v.Profile }},
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
func (v Var) Render(values Values) (string, error) {
	var out strings.Builder
	for piece := range strings.SplitAfterSeq(v.Template, "}") {
		start := strings.LastIndexByte(piece, '{')
		if start < 0 || !strings.HasSuffix(piece, "}") {
			out.WriteString(piece)
			continue
		}
		value, err := v.fill(piece[start:], values)
		if err != nil {
			return "", err
		}
		out.WriteString(piece[:start] + value)
	}
	return out.String(), nil
}

// fill returns the value of a hole.
func (v Var) fill(name string, values Values) (string, error) {
	var names []string
	for _, h := range holes {
		if h.name == name {
			return h.value(values), nil
		}
		names = append(names, h.name)
	}
	if name == "{refresh_token}" || name == "{client_secret}" {
		return "", hint.Wrap(fmt.Errorf("%s: %s is never handed out", v.Name, name),
			"the server gets a fresh access token at every start; if it insists on a value, use "+v.Name+"="+Placeholder)
	}
	return "", hint.Wrap(fmt.Errorf("%s: there is no %s", v.Name, name), "use "+strings.Join(names, ", "))
}

// ours reports whether a variable is Stagedoor's own, however it is spelt.
func ours(name string) bool { return strings.HasPrefix(strings.ToUpper(name), "STAGEDOOR_") }

// Environ returns the child's environment: base without anything of ours, and
// the variables. base is the environment this process was started with.
func Environ(base []string, vars []Var, values Values) ([]string, error) {
	env := slices.DeleteFunc(slices.Clone(base), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return ours(name) || slices.ContainsFunc(vars, func(v Var) bool { return sameName(v.Name, name) })
	})
	for _, v := range vars {
		value, err := v.Render(values)
		if err != nil {
			return nil, err
		}
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("%s: the value contains a NUL byte", v.Name)
		}
		env = append(env, v.Name+"="+value)
	}
	return env, nil
}
