package auth

import (
	"context"
	"maps"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/text"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// LoginValue is what a login has for servers besides its token.
type LoginValue struct {
	Name  string        `json:"name"`
	What  string        `json:"what"`
	Found []oauth.Found `json:"found"` // the first is what servers get; none if the provider did not say
}

// values finds out what servers need to know of a login. It is kept with the tokens, in
// the vault: an address among them is where a server sends its token. What cannot be
// had does not end the login.
func (k *Keeper) values(ctx context.Context, a account.Account, set token.Set, t oauth.Tokens) (kept map[string]string, all []LoginValue) {
	for _, v := range a.Row.Values {
		value := LoginValue{Name: v.Name, What: v.What}
		if v.URL == "" {
			if said, ok := t.Kept[v.Field]; ok {
				value.Found = []oauth.Found{{Value: said}}
			}
		} else {
			limited, cancel := context.WithTimeout(ctx, askWait)
			var err error
			value.Found, err = k.wire.Trusting(a.Endpoints.Trust).Values(limited, v.URL, set.Access, a.Row.Identity.Headers, v.Field, v.Label)
			if cancel(); err != nil {
				k.log.WarnContext(ctx, "the provider did not say what belongs to the login", "value", v.Name, "error", err)
			}
		}
		if len(value.Found) > 0 {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[v.Name] = value.Found[0].Value
		}
		all = append(all, value)
	}
	return kept, all
}

// named is whose login the token response says it is, or nil.
func (k *Keeper) named(a account.Account, t oauth.Tokens) *profile.Identity {
	first := func(fields []string) string {
		for _, f := range fields {
			if t.Kept[f] != "" {
				return t.Kept[f]
			}
		}
		return ""
	}
	ids, names := a.Identity()
	who := &profile.Identity{Subject: first(ids), Name: text.Name(first(names)), At: k.now().UTC()}
	if who.Subject == "" {
		return nil
	}
	if who.Name == "" {
		who.Name = who.Subject
	}
	return who
}

// known is what templates can name of a login: what it has, and the parts of the
// provider's addresses.
func known(a account.Account, set token.Set) map[string]string {
	all := maps.Clone(a.Row.Given)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, set.Values)
	return all
}
