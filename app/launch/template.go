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

var (
	envName = text.Pattern(`^[A-Za-z_][A-Za-z0-9_]*$`)
	hole    = text.Pattern(`\{[^{}]*\}`)
)

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
	var err error
	out := hole().ReplaceAllStringFunc(v.Template, func(h string) string {
		switch h {
		case "{access_token}":
			return values.AccessToken.Reveal()
		case "{token_type}":
			return values.TokenType
		case "{expires_at}":
			return strconv.FormatInt(values.Expires.Unix(), 10)
		case "{expires_at_ms}":
			return strconv.FormatInt(values.Expires.UnixMilli(), 10)
		case "{scope}":
			return strings.Join(values.Scopes, " ")
		case "{client_id}":
			return values.ClientID
		case "{redirect_uri}":
			return values.RedirectURI
		case "{profile}":
			return values.Profile
		case "{refresh_token}", "{client_secret}":
			err = hint.Wrap(fmt.Errorf("%s: %s is never handed out", v.Name, h),
				"the server gets a fresh access token at every start; if it insists on a value, use "+v.Name+"="+Placeholder)
		default:
			err = hint.Wrap(fmt.Errorf("%s: there is no %s", v.Name, h),
				"use {access_token}, {token_type}, {expires_at}, {expires_at_ms}, {scope}, {client_id}, {redirect_uri} or {profile}")
		}
		return ""
	})
	if err != nil {
		return "", err
	}
	return out, nil
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
