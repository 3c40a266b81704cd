package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// ErrRefused says that an entry of profiles.json is not one that Stagedoor
// writes. It is left out of the list and stays in the file as it is.
var ErrRefused = errors.New("the profile cannot be used")

// Refused is an entry of profiles.json that is left out.
type Refused struct {
	Name string // as it stands there, not checked
	Err  error  // says where and why, wraps ErrRefused

	id  string
	raw json.RawMessage
}

const lowerAlphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"

// isName reports whether s can name a profile or a provider.
func isName(s string) bool {
	return s != "" && len(s) <= 64 && madeOf(s, lowerAlphanumeric+"_-") && madeOf(s[:1], lowerAlphanumeric)
}

// madeOf reports whether s has no characters but those of set.
func madeOf(s, set string) bool { return strings.Trim(s, set) == "" }

// ValidID reports whether id is of the form that Create gives to profiles. Ids
// name files, locks and keychain items, so no other ever gets that far.
func ValidID(id string) bool { return len(id) == 16 && madeOf(id, "0123456789abcdef") }

const maxText = 8 << 10 // bytes of any one value

// check says what in the profile is not as Stagedoor writes it.
func (p Profile) check() error {
	scopes := strings.Join(p.Scopes, " ")
	if p.OwnRow != "" {
		if _, err := provider.Of(p.Provider, p.OwnRow); err != nil {
			return err
		}
	}
	switch {
	case !ValidID(p.ID):
		return errors.New("its id is not 16 of the characters 0-9 and a-f")
	case CheckName(p.Name) != nil:
		return errors.New("its name is not up to 64 of a-z, 0-9, - and _")
	case p.Provider != "" && !isName(p.Provider):
		return errors.New("its provider is no id of one")
	case len(p.ClientID) > maxText || strings.ContainsFunc(p.ClientID, text.Hidden) || strings.Contains(p.ClientID, " "):
		return errors.New("its client id has white space or invisible characters in it, or is too long")
	case slices.ContainsFunc(append([]int{p.RedirectPort}, p.MorePorts...), func(port int) bool { return port < 0 || port > 65535 }):
		return fmt.Errorf("its redirect ports are %d %v", p.RedirectPort, p.MorePorts)
	case p.RedirectHost != "" && p.RedirectHost != "127.0.0.1" && p.RedirectHost != "localhost":
		return errors.New("its redirect host is neither 127.0.0.1 nor localhost")
	case p.RedirectPath != "" && !oauth.IsRedirectPath(p.RedirectPath):
		return errors.New("its redirect path is no plain path")
	case p.Trust.Check() != nil:
		return fmt.Errorf("its trust cannot be used: %w", p.Trust.Check())
	case len(scopes) > maxText || strings.ContainsFunc(scopes, text.Hidden):
		return errors.New("a scope has invisible characters in it, or they are too long")
	case p.AccountField != "" && !oauth.IsIdentityField(p.AccountField):
		return errors.New("its account field is no path of names")
	}
	for name, value := range p.AuthParams {
		if err := oauth.CheckParam(name, value); err != nil {
			return fmt.Errorf("its parameters of the login: %w", err)
		}
	}
	e := Endpoints{}
	if p.Endpoints != nil {
		e = *p.Endpoints
	}
	if len(e.AuthMethod) > 64 || !madeOf(e.AuthMethod, lowerAlphanumeric+"_") { // RFC 8414 registers such names
		return errors.New("its client authentication method is none")
	}
	for _, a := range []struct{ name, url string }{
		{"issuer", p.Issuer},
		{"authorization endpoint", e.Authorization},
		{"token endpoint", e.Token},
		{"revocation endpoint", e.Revocation},
		{"userinfo endpoint", e.UserInfo},
		{"device authorization endpoint", e.DeviceAuthorization},
		{"key set", e.JWKS},
	} {
		if a.url != "" && !isAddress(a.url) {
			return fmt.Errorf("its %s is no address", a.name)
		}
	}
	return nil
}

// isAddress is about the form alone. Which addresses may get a secret is
// oauth.Endpoints.Validate's to say.
func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxText && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		u.User == nil && !strings.ContainsFunc(s, text.Hidden)
}

// parse reads the content of path, which is for errors only. An entry that is
// not understood, or that has the id or the name of another, is put into
// Refused, so that one bad entry does not take the other accounts away.
func parse(path string, data []byte) (List, error) {
	var file struct {
		List
		Profiles []json.RawMessage `json:"profiles"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return List{}, hint.Wrap(fmt.Errorf("read profiles: %s is damaged: %w", path, describe(data, err)),
			"mend it in an editor or move it away; the tokens are in the keychain and not lost")
	}
	l := file.List
	if l.Version > version {
		return List{}, hint.Wrap(fmt.Errorf("read profiles: %s has version %d, newer than this program knows", path, l.Version),
			"update Stagedoor")
	}
	all, faults := make([]Profile, len(file.Profiles)), make([]error, len(file.Profiles))
	ids, names := map[string]int{}, map[string]int{}
	for i, raw := range file.Profiles {
		if err := json.Unmarshal(raw, &all[i]); err != nil {
			faults[i] = describe(raw, err)
		} else {
			faults[i] = all[i].check()
		}
		ids[all[i].ID]++
		names[all[i].Name]++
	}
	line, rest := 1, data // of the file, which has the entries in this order
	for i, p := range all {
		raw := file.Profiles[i]
		before, after, _ := bytes.Cut(rest, raw)
		begins := line + bytes.Count(before, []byte("\n"))
		line, rest = begins+bytes.Count(raw, []byte("\n")), after
		switch { // which of two is the right one cannot be told
		case faults[i] != nil:
		case ids[p.ID] > 1:
			faults[i] = fmt.Errorf("the id %s is there twice", p.ID)
		case names[p.Name] > 1:
			faults[i] = errors.New("the name is there twice")
		}
		if faults[i] == nil {
			l.Profiles = append(l.Profiles, p)
			continue
		}
		l.Refused = append(l.Refused, Refused{Name: p.Name, id: p.ID, raw: raw, Err: hint.Wrap(
			fmt.Errorf("%w: %q in %s line %d: %w", ErrRefused, shorten(p.Name), path, begins, faults[i]),
			"mend the entry in an editor, or take it out; the other profiles work")})
	}
	return l, nil
}

// shorten keeps an error short, whatever it quotes.
func shorten(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

// MarshalJSON writes what was refused back as it was.
func (l List) MarshalJSON() ([]byte, error) {
	all := make([]any, 0, len(l.Profiles)+len(l.Refused))
	for _, p := range l.Profiles {
		all = append(all, p)
	}
	for _, r := range l.Refused {
		all = append(all, r.raw)
	}
	return json.Marshal(struct {
		Version  int               `json:"version"`
		Active   string            `json:"active"`
		Profiles []any             `json:"profiles"`
		Recent   map[string]string `json:"recent,omitempty"`
	}{l.Version, l.Active, all, l.Recent})
}

// describe adds the line to a JSON error, which only knows the offset.
func describe(data []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset <= int64(len(data)) {
		return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:syntax.Offset], []byte("\n")), err)
	}
	return err
}
