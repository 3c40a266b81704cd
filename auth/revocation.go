package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/account"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// Revoke takes the profile's grant back at the provider where that is possible,
// and removes its tokens here in any case. Of an orphan, whose id is its name,
// it removes all that there is.
func (k *Keeper) Revoke(ctx context.Context, name string) (RevokeResult, error) {
	p, err := k.find(name)
	if errors.Is(err, profile.ErrNotFound) && profile.ValidID(name) {
		if _, none := k.orphan(ctx, name); none == nil {
			return k.deleteProfile(ctx, profile.Profile{ID: name, Name: name})
		}
	}
	if errors.Is(err, profile.ErrNotFound) {
		if r, asked, err := k.askForDeleted(ctx, name); asked || err != nil {
			return r, err
		}
	}
	if err != nil {
		return RevokeResult{}, err
	}
	if row, _ := p.Row(); row.IsAPIKey() {
		return k.Forget(ctx, name)
	}
	return k.revoke(ctx, p, k.tokens.Revoke)
}

// revoke finds out how the profile's provider is spoken to, calls by, and says
// in words what came of it.
func (k *Keeper) revoke(ctx context.Context, p profile.Profile, by func(context.Context, token.Grant) (token.Outcome, error)) (RevokeResult, error) {
	var a account.Account
	var moves []identity.Move
	renew := func() (g token.Grant, err error) {
		now, err := k.byID(p.ID)
		if errors.Is(err, profile.ErrNotFound) {
			now, err = k.orphan(ctx, p.ID)
		}
		if err != nil {
			return g, err
		}
		// Where tokens are taken back is not for profiles.json to say: they go
		// where they came from.
		if set, err := k.tokens.Load(ctx, p.ID); err == nil && !set.Bound.IsZero() {
			moves = set.Bound.Moves(now.Binding())
			now = now.As(set.Bound)
		}
		if a, err = account.Of(now); err != nil && now.Provider != "" { // "": damaged, and nobody can be asked
			return g, err
		}
		return k.grant(a), nil
	}
	hadKey := false
	if row, _ := p.Row(); row.IsAPIKey() {
		_, none := k.secrets.Load(ctx, p.ID)
		hadKey = none == nil
	}
	outcome, err := by(ctx, token.Grant{ID: p.ID, Renew: renew})
	if hadKey && err == nil {
		return keyRemoved(p.Name), nil
	}
	if len(moves) > 0 { // afterwards, since the revocation is no answer to it
		k.recordMove(ctx, a.Profile, moves[0], true)
	}
	result := revokeResult(cmp.Or(a.Profile.Name, p.Name), k.view(a.Profile, false).ProviderName, a.Row.AppsPage, outcome)
	if outcome == token.Revoked || outcome == token.Accepted || outcome.Pending() {
		if result.Also = k.sharing(a); len(result.Also) > 0 {
			result.Message += "; the provider takes back all that the account has allowed, so the login of " + strings.Join(result.Also, ", ") + " ends, too"
		}
	}
	if err != nil && outcome != "" { // the provider was asked; the vault did not let go
		err = fmt.Errorf("%s, but %w", result.Title, err)
	}
	return result, err
}

// RetryRevocations asks again those providers that did not confirm a revocation
// when the user asked for it: at most once a minute at first, ever more rarely
// later, for 30 days. The result of each is in the log. It is cheap when there
// is nothing to do. It returns how many are still open.
func (k *Keeper) RetryRevocations(ctx context.Context) (open int, err error) {
	return k.tokens.RetryRevocations(ctx)
}

// UndoLost revokes logins that were interrupted by a kill and whose profiles are no
// longer in profiles.json. State names them only after that.
func (k *Keeper) UndoLost(ctx context.Context) error { return k.tokens.UndoLost(ctx) }

// tookBack reports whether the user has revoked something at the profile's provider
// within a day: many providers end all that the app was allowed, and at the others
// the page on which it is removed was opened. A profile that is gone counts, since
// nobody knows where it was. Only lines with our MAC say so.
func (k *Keeper) tookBack(ctx context.Context, id string) bool {
	list, err := k.profiles.Load()
	if err != nil {
		return false
	}
	p, _ := list.ByID(id)
	said, err := k.audit.Query(ctx, audit.Query{Name: audit.TokensRevoked, Since: k.now().Add(-24 * time.Hour), Sealed: true})
	return err == nil && slices.ContainsFunc(said, func(e audit.Event) bool {
		other, known := list.ByID(e.Profile)
		return !known || other.Service() == p.Service()
	})
}

// sharing returns the profiles whose logins a revocation of the account's ends, too:
// those of the same app, or of the same developer, unless they are known to be of
// somebody else.
func (k *Keeper) sharing(a account.Account) (names []string) {
	list, err := k.profiles.Load()
	if err != nil || a.Row.Reach == "" {
		return nil
	}
	mine := a.Profile
	for _, p := range list.Profiles {
		same := p.ID != mine.ID && p.Service() == mine.Service() && (p.ClientID == mine.ClientID || a.Row.Reach == "project")
		if same && p.Identity != nil && (mine.Identity == nil || p.Identity.Subject == mine.Identity.Subject) {
			names = append(names, p.Name)
		}
	}
	return names
}

// RevokeResult tells what a revocation did at the provider and here. Title and
// Message are what every user interface shows.
type RevokeResult struct {
	Profile string        `json:"profile"`
	Remote  token.Outcome `json:"remote"` // what became of the grant at the provider
	// Open is true if the grant may live on at a provider that was to end it, and
	// Pending if the provider is asked again.
	Open    bool `json:"open"`
	Pending bool `json:"pending"`
	// Also are the profiles whose logins the provider ends with this one.
	Also     []string `json:"also,omitempty"`
	Title    string   `json:"title"`               // what came of it, in a few words
	Message  string   `json:"message"`             // one sentence for people
	AppsPage string   `json:"apps_page,omitempty"` // to open, where the user has to remove the app
}

// Settled reports whether nothing is left to do, for anybody.
func (r RevokeResult) Settled() bool { return !r.Open && r.Remote != token.NoEndpoint }

// revokeResult says in words what came of a revocation. where is the provider.
func revokeResult(name, where, page string, o token.Outcome) RevokeResult {
	remove := "remove the app in your account there"
	if page != "" {
		remove = "remove the app at " + page
	}
	const lives = ", so the grant may live on there: "
	words := map[token.Outcome][2]string{
		token.Revoked:     {"revoked", "revoked at " + where + " and removed here"},
		token.Accepted:    {"revoked, not checked", "removed here; " + where + " says that it has revoked the access token, and without a refresh token that cannot be checked"},
		token.NothingHeld: {"nothing to revoke", "there was nothing to revoke"},
		token.NoEndpoint:  {"removed here only", "removed here; " + where + " has no revocation endpoint, so " + remove},
		token.Unreachable: {"not revoked yet", "removed here; " + where + " could not be reached or has a problem of its own" + lives + "will retry"},
		token.Unconfirmed: {"not revoked yet", "removed here; " + where + " did not confirm it" + lives + "will retry"},
		token.Refused:     {"not revoked", "removed here; " + where + " refused to revoke it" + lives + remove},
		token.NoSecret:    {"not revoked", "removed here; " + where + " could not be asked without the client secret, which is not there" + lives + remove},
		token.Unreadable:  {"not revoked", "removed here; the stored tokens were damaged, and " + where + " could not be asked" + lives + remove},
		token.GivenUp:     {"not revoked", "removed here; " + where + " has not confirmed it in 30 days" + lives + remove},
		token.NotKept:     {"not revoked", "removed here; " + where + " did not confirm it, and what it takes to ask again could not be stored" + lives + remove},
	}[o]
	r := RevokeResult{
		Profile: name, Remote: o, Open: o.Open(), Pending: o.Pending(), Title: cmp.Or(words[0], "not revoked"), Message: words[1],
	}
	if (o == token.NoEndpoint || o.Open() && !o.Pending()) && page != "" {
		r.AppsPage = page
	}
	return r
}

// OpenRevocation is a revocation that was asked for here and that the provider
// has not confirmed. It is asked again until it does, for 30 days.
type OpenRevocation struct {
	Profile string    `json:"profile"` // id
	Name    string    `json:"name"`
	Deleted bool      `json:"deleted"`       // the profile is no more
	Host    string    `json:"host"`          // of the provider
	Since   time.Time `json:"since"`         // UTC
	Next    time.Time `json:"next,omitzero"` // UTC, when the provider is asked again, at the earliest
}

// Words says so in a sentence.
func (o OpenRevocation) Words() string {
	name := o.Name
	if o.Deleted {
		name += " (deleted)"
	}
	return name + ": removed here; " + o.Host + " has not confirmed the revocation yet and is asked again"
}

// openRevocations reads what is open from a few small files.
func (k *Keeper) openRevocations(list profile.List) ([]OpenRevocation, error) {
	pending, err := k.tokens.Pending()
	var open []OpenRevocation
	for _, p := range pending {
		if p.Open == 0 {
			continue
		}
		o := OpenRevocation{Profile: p.ID, Name: p.Name, Host: shownHost(p.Host), Since: p.Since, Next: p.Next, Deleted: len(list.Refused) == 0}
		if found, ok := list.ByID(p.ID); ok {
			o.Name, o.Deleted = found.Name, false
		}
		if profile.CheckName(o.Name) != nil {
			o.Name = p.ID
		}
		open = append(open, o)
	}
	return open, err
}

// shownHost is a host as a file names it, if it can be one.
func shownHost(host string) string {
	if host == "" || strings.ContainsFunc(host, notInHost) {
		return "the provider"
	}
	return host
}

func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-.:[]", r)
}

// askForDeleted asks for what is open of profiles that are deleted and had that
// name or id. It reports whether there are any; the result is the worst.
func (k *Keeper) askForDeleted(ctx context.Context, name string) (r RevokeResult, asked bool, err error) {
	list, err := k.profiles.Load()
	if err != nil {
		return r, false, err
	}
	pending, err := k.tokens.Pending()
	for _, p := range pending {
		if name == "" || p.Name != name && p.ID != name || list.Has(p.ID) {
			continue
		}
		outcome, failed := k.tokens.Ask(ctx, p.ID)
		err = errors.Join(err, failed)
		if one := revokeResult(name, shownHost(p.Host), "", outcome); !asked || one.Open {
			r = one
		}
		asked = true
	}
	return r, asked, err
}
