package account

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

var (
	// ErrClaimsChanged says that the login is of another account, scope or issuer
	// than the one that the user accepted.
	ErrClaimsChanged = errors.New("the login is not the one you accepted")
	// ErrEndpointChanged says that profiles.json names another address or client
	// than the one that the secret in the vault is for. Nothing was sent.
	ErrEndpointChanged = errors.New("the profile was changed: its secrets are for something else")
)

// MovedError is an ErrEndpointChanged with what differs.
type MovedError struct {
	error
	Move identity.Move
}

func (m MovedError) Unwrap() error { return m.error }

// BlockedError is an ErrClaimsChanged with what identity.Acceptance.Block says briefly.
type BlockedError struct {
	error
	Why string
}

func (b BlockedError) Unwrap() error { return b.error }

func (a Account) moved(moves []identity.Move, advice string) error {
	err := fmt.Errorf("%s: %w: %s; nothing was sent", a.Profile.Name, ErrEndpointChanged, Describe(moves[0]))
	return MovedError{hint.Wrap(err, advice), moves[0]}
}

// Allows is asked before tokens are used: it costs nothing, and refuses tokens
// that are for something else than the profile says, and a login that is known
// not to be the accepted one.
func (a Account) Allows(set token.Set) error {
	if err := a.checkBinding(set.Bound); err != nil {
		return err
	}
	switch {
	case set.Issuer != "" && set.Issuer != a.Profile.Service():
		return fmt.Errorf("%w: the profile now has another issuer", token.ErrLoginNeeded)
	case set.Whose.Changed != nil:
		return a.Blocked(set.Whose)
	}
	return nil
}

// Blocked is the refusal of a login that is not the accepted one, or nil.
func (a Account) Blocked(s identity.Acceptance) error {
	brief, words := s.Block()
	if brief == "" {
		return nil
	}
	name := a.Profile.Name
	err := hint.Wrap(fmt.Errorf("%s: %w: %s", name, ErrClaimsChanged, words),
		"if that is right: stagedoor accept "+name+"; if not, sign in as before: stagedoor login "+name)
	return BlockedError{err, brief}
}

// checkBinding refuses tokens that are bound to something else than what the
// profile says now.
func (a Account) checkBinding(bound identity.Binding) error {
	moves := bound.Moves(a.Profile.Binding())
	if bound.IsZero() || len(moves) == 0 {
		return nil
	}
	advice := a.startOver()
	if a.Row.Discovery && a.CheckRegistration(bound) == nil && bound.Confidential == a.Profile.HasSecret {
		advice = "sign in again, which asks the issuer for its addresses: stagedoor login " + a.Profile.Name
	}
	return a.moved(moves, advice)
}

// CheckRegistration refuses a login of a profile whose tokens are bound to
// something else: the authorization code would go there. What an issuer is asked
// for in any case does not count.
func (a Account) CheckRegistration(bound identity.Binding) error {
	if bound.IsZero() {
		return nil
	}
	was, now := bound.Registration(a.Row.Discovery), a.Registration()
	profile := a.Profile.Binding()
	was.IssParameter, now.IssParameter = bound.IssParameter, profile.IssParameter // compared with what the issuer says now
	was.AccountField, now.AccountField = bound.AccountField, profile.AccountField
	if moves := was.Moves(now); len(moves) > 0 {
		return a.moved(moves, a.startOver())
	}
	return nil
}

// CheckTrial refuses to try a new client secret with tokens that are bound to
// something else than what the profile says now: the refresh would go there, with
// both. Whether and how the client shows a secret may differ.
func (a Account) CheckTrial(bound identity.Binding) error {
	now := a.Profile.Binding()
	now.Confidential, now.ClientAuth = bound.Confidential, bound.ClientAuth
	if moves := bound.Moves(now); !bound.IsZero() && len(moves) > 0 {
		return a.moved(moves, a.startOver())
	}
	return nil
}

// CheckSecret refuses to go on with a client secret, or one in its place, that is
// bound to another registration than the profile's.
func (a Account) CheckSecret(kept identity.ClientSecret) error {
	if moves := kept.For.Moves(a.Registration()); !kept.For.IsZero() && len(moves) > 0 {
		return a.moved(moves, "if the change is not yours, put profiles.json back; if it is, store the secret again: stagedoor secret set "+a.Profile.Name)
	}
	return nil
}

// CheckIssuer refuses a server whose answers named it, when that was what told
// them from others', and no longer do.
func (a Account) CheckIssuer(now oauth.Endpoints) error {
	was := a.Profile.Endpoints
	if !a.Row.Discovery || was == nil || !was.IssParameter || now.IssParameter || a.RedirectPath() == a.OwnRedirectPath() {
		return nil
	}
	return hint.Wrap(fmt.Errorf("%w: %s said that its answers name it, and no longer does", oauth.ErrIssuer, a.Profile.Issuer),
		"if that is right, create a new profile for it: it gets a redirect path of its own")
}

func (a Account) startOver() string {
	name := a.Profile.Name
	return "if the change is not yours, put profiles.json back; if it is, end the old login first: stagedoor revoke " + name + ", then stagedoor login " + name
}

// Describe says in words what profiles.json has instead.
func Describe(m identity.Move) string {
	return "the " + moveNames[m.What] + " is now " + cmp.Or(m.Now, "none") + ", it was " + cmp.Or(m.Before, "none")
}

var moveNames = map[string]string{
	"provider": "provider", "row": "description of the provider", "issuer": "issuer", "token": "token endpoint", "authorization": "authorization endpoint",
	"revocation": "revocation endpoint", "device_authorization": "device authorization endpoint", "userinfo": "userinfo endpoint", "jwks": "key set",
	"client_id": "client id", "client": "client", "client_auth": "client authentication",
	"redirect_path": "redirect path", "account_field": "field that names the account", "trust": "certificate authority or pinned key", "iss_parameter": "issuer's name in its answers",
}
