package auth

import (
	"time"

	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Status of a profile's login, as people see it.
type Status string

// The states a profile can be in.
const (
	StatusActive        Status = "active"         // there is a login that works, as far as is known
	StatusNeedsLogin    Status = "needs login"    // the provider refused the refresh token, or it was never there
	StatusNotConfigured Status = "not configured" // no login yet
	StatusExpired       Status = "expired"        // the access token ended and there is nothing to renew it with
	StatusSignedOut     Status = "signed out"     // the tokens were to be forgotten at logout, and were
	StatusBlocked       Status = "blocked"        // no server gets a token: see ProfileView.Blocked
	StatusDeleted       Status = "deleted"        // the profile is no more, but see ProfileView.Open
	StatusUnknown       Status = "unknown"        // the vault cannot be read, see State.VaultProblem
)

// ProfileView is a profile together with what is known of its login. It holds
// no secret.
type ProfileView struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Provider     string    `json:"provider"`          // id of the provider's row
	ProviderName string    `json:"provider_name"`     // for people: "Spotify"
	APIKey       bool      `json:"api_key,omitempty"` // there is a key and no login; SecretStored and SecretDue are about it
	ClientID     string    `json:"client_id"`
	Scopes       []string  `json:"scopes,omitempty"`
	Service      string    `json:"service"`                // the authorization server: the id of the row, or an issuer
	Active       bool      `json:"active"`                 // the selected one
	Status       Status    `json:"status"`                 //
	Vault        string    `json:"vault"`                  // of the tokens: "keychain", "file" or, until logout, "session"
	Account      string    `json:"account,omitempty"`      // who is signed in, as the provider names them
	Expires      time.Time `json:"expires,omitzero"`       // of the access token, UTC
	NoEnd        bool      `json:"no_known_end,omitempty"` // of the access token: it is good until the provider refuses it
	GrantEnds    time.Time `json:"grant_ends,omitzero"`    // when the login itself ends, where that is known
	Renews       bool      `json:"renews,omitempty"`       // there is a refresh token
	// Blocked says in a few words why servers get no token although there is a
	// login: "another account". Changed says it in full. Both are empty otherwise.
	// CanAccept says that AcceptIdentity ends it.
	Blocked   string `json:"blocked,omitempty"`
	CanAccept bool   `json:"can_accept,omitempty"`
	Changed   string `json:"changed,omitempty"`
	// SecretStored is when the client secret was stored, SecretDue when it should be
	// replaced; zero without one. UTC.
	SecretStored time.Time `json:"client_secret_stored,omitzero"`
	SecretDue    time.Time `json:"client_secret_due,omitzero"`
	SecretEvery  int       `json:"client_secret_replaced_every,omitempty"` // days, where a command does it
	// Pins are the keys of which one has to be in the provider's chain of certificates,
	// Roots the names on the certificates that are believed in place of the system's.
	Pins  []string `json:"pins,omitempty"`
	Roots []string `json:"own_certificates,omitempty"`
	// Open is a revocation that the provider has not confirmed, or nil.
	Open      *OpenRevocation `json:"open_revocation,omitempty"`
	CanRevoke bool            `json:"can_revoke"`          // the provider has a revocation endpoint, and listens to the client
	AppsPage  string          `json:"apps_page,omitempty"` // where the user removes the app, where there is such a page
}

// Words says the state of the login in a few words, the same in the tray, in
// the windows and on the command line.
func (p ProfileView) Words() string {
	switch {
	case p.APIKey && p.Status == StatusActive:
		return "stored"
	case p.APIKey && p.Status == StatusNotConfigured:
		return "no key stored"
	}
	switch p.Status {
	case StatusActive:
		return "signed in"
	case StatusNeedsLogin, StatusExpired:
		return "sign in again"
	case StatusSignedOut:
		return "signed out at logout: sign in again"
	case StatusNotConfigured:
		return "not signed in"
	case StatusBlocked:
		return "blocked: " + p.Blocked
	case StatusUnknown:
		return "locked"
	}
	return string(p.Status)
}

// KeptIn says where the tokens are, for people.
func (p ProfileView) KeptIn() string {
	if p.Vault == string(vault.Memory) {
		return "memory, until logout"
	}
	return p.Vault
}

// State is all that a menu or a list shows, read in one go.
type State struct {
	Profiles []ProfileView `json:"profiles"` // by name
	// Open are the revocations that a provider has not confirmed, also those of
	// profiles that are deleted.
	Open []OpenRevocation `json:"open_revocations,omitempty"`
	// OpenProblem says why nobody knows whether there are more of them, or is
	// empty; OpenHint says what helps.
	OpenProblem string `json:"open_problem,omitempty"`
	OpenHint    string `json:"open_hint,omitempty"`
	// Orphans are logins in the vault that belong to no profile.
	Orphans []Orphan      `json:"orphans,omitempty"`
	Alerts  []alert.Alert `json:"alerts"` // the open ones, worst first
	Vault   string        `json:"vault"`  // "keychain" or "file"
	// CanForget says that there is a place in which tokens are forgotten at logout.
	CanForget bool `json:"can_forget"`
	// VaultProblem says what keeps the vault from working, or is empty; VaultHint
	// says what helps. Profiles are listed all the same.
	VaultProblem string `json:"vault_problem,omitempty"`
	VaultHint    string `json:"vault_hint,omitempty"`
	// Refused has the profiles that are left out because their entry in
	// profiles.json is not one that Stagedoor writes.
	Refused []profile.Refused `json:"-"`
	// LogProblem says what is wrong with the audit log, or is empty, and LogHint
	// what helps. It is among Alerts, too.
	LogProblem string `json:"log_problem,omitempty"`
	LogHint    string `json:"log_hint,omitempty"`
}

// Active returns the selected profile, or false if none is.
func (s State) Active() (ProfileView, bool) {
	for _, p := range s.Profiles {
		if p.Active {
			return p, true
		}
	}
	return ProfileView{}, false
}

// Access is a fresh access token and what belongs to it. No refresh token and
// no client secret leaves the Keeper.
type Access struct {
	Token       secret.String
	Type        string    // "Bearer"
	Expires     time.Time // UTC
	Renews      time.Time // from when on another one can be had
	Scopes      []string
	ProfileID   string
	ProfileName string
	Provider    string // id of the provider's row
	ClientID    string
	RedirectURI string // as registered, for servers that insist on one
	// Values are what belongs to the login besides, by the names that templates have.
	Values map[string]string

	// Use, if set, is to be entered before the token is used: the next refresh ends it.
	Use *token.Use

	consented time.Time // when the user did; tells logins apart
	gen       uint64    // of the tokens
}

// LoginOptions say how a login meets the user.
type LoginOptions struct {
	// OnURL, if set, gets the authorization URL once it can be opened.
	OnURL func(url string)
	// OnRedirect, if set, gets the redirect URI as it has to be registered.
	OnRedirect func(uri string)
	// OnOpenFailed, if set, is told that the browser could not be opened. The
	// login goes on waiting, for the user to open the URL by hand.
	OnOpenFailed func(error)
	// NoBrowser leaves opening the URL to the user.
	NoBrowser bool
}

// LoginResult is what a login found out.
type LoginResult struct {
	Profile string   `json:"profile"`
	Account string   `json:"account"` // "" where the provider does not say
	Scopes  []string `json:"scopes"`  // as granted
	// NotGranted are the scopes that were asked for and not granted.
	NotGranted []string `json:"not_granted,omitempty"`
	// ClientAuth is how the client shows its secret, if the login has found out that it
	// is not the usual way.
	ClientAuth string `json:"client_auth,omitempty"`
	// Values are what servers need to know besides the token.
	Values []LoginValue `json:"values,omitempty"`
	// Blocked and Changed say why servers get no token of this login: see
	// ProfileView. They are empty if nothing is in the way.
	Blocked string `json:"blocked,omitempty"`
	Changed string `json:"changed,omitempty"`
}
