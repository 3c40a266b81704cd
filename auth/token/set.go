// Package token keeps a profile's tokens fresh and gets rid of them.
//
// # Promises
//
// Fresh hands out an access token that will last a while, refreshing it when it
// must. However many goroutines and processes ask at once, the provider sees
// one refresh: a refresh token may be good for a single use, and a provider
// that sees one twice takes back the whole grant. SaveLogin and Revoke take the
// same lock.
//
// A process may be killed at any moment. Before a refresh token is sent, the
// intent is on the disk; before an answer goes to the vault, also that to a login,
// it is on the disk too, encrypted with a key from the vault. Whoever holds the profile's lock
// next finishes what was begun. Only an answer that reached no disk is lost,
// and then the user is told just that (ErrAnswerLost) and no alarm is raised: a
// refresh token that is refused then was spent by us, not by a thief.
//
// A revocation that the provider did not confirm is kept, in the vault, and
// tried again by RetryRevocations for 30 days. The tokens are gone here at once.
//
// # Files
//
// In the folder Params.WAL: <profile id> is the write-ahead file (see record),
// <profile id>.login that of a login, <profile id>.damaged and
// <profile id>.login.damaged one that could not be read, kept once, and
// <profile id>.revoke a note without a secret that a revocation is to be tried
// again. In the vault: wal/key, profile/<id>/tokens, profile/<id>/revoke-pending,
// and from a revocation on profile/<id>/accepted.
//
// A Service is safe for concurrent use, and so are any number of processes with
// one each on the same folders. It touches the vault and the network, so it
// belongs on no UI goroutine.
package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Set is what a profile holds after a login. In the vault it is JSON; see stored.
type Set struct {
	Gen        uint64        `json:"gen"`           // counts every write; a result for an older one is dropped
	Access     secret.String `json:"-"`             // bearer token, RFC 6750
	Refresh    secret.String `json:"-"`             // "" if the provider gave none
	Type       string        `json:"token_type"`    // "Bearer"
	Scopes     []string      `json:"-"`             // as granted
	Expires    time.Time     `json:"expires_at"`    // of Access, UTC; assumed where the provider does not say
	Issued     time.Time     `json:"issued_at"`     // of Access, UTC
	Authorized time.Time     `json:"authorized_at"` // UTC, when the user consented; refreshing does not change it
	Issuer     string        `json:"issuer,omitempty"`
	// Refused says that the provider refused Refresh for good. The tokens stay,
	// since nothing is gained by deleting them, but nobody asks again.
	Refused bool `json:"refused,omitempty"`
	// Lost says why, if it is known: the provider's answer to a refresh never
	// arrived, and with it the successor of Refresh.
	Lost bool `json:"lost,omitempty"`
	// Doubt says that the request which brought Refresh may not have been the only one
	// with the token before: a process was killed after it had sent it. Where the
	// provider had that one last, it ended the login, and nobody stole anything.
	Doubt bool `json:"doubt,omitempty"`
	// Unclear counts refusals of Refresh that may have been about something else.
	Unclear unclear `json:"unclear,omitzero"`
	// RefreshEnds is when Refresh ends, if the provider said so; UTC. RefreshLife is how
	// long that was at most: some are renewed by each use and end within the hour.
	RefreshEnds time.Time     `json:"refresh_ends,omitzero"`
	RefreshLife time.Duration `json:"refresh_life,omitempty"`
	// NoEnd says that the provider names no end of Access and is known to have none:
	// it is good until it is refused. Expires is zero then.
	NoEnd bool `json:"no_end,omitempty"`
	// Distrusted is when an access token of this login was last given up before its
	// time, because the provider refused it; UTC.
	Distrusted time.Time `json:"distrusted,omitzero"`
	// Values are what belongs to the login besides the tokens, as servers need it.
	Values map[string]string `json:"values,omitempty"`
	// Rotations counts refreshes in a row that brought a new refresh token, up
	// to learned. It is how the rotation policy of an unknown provider is
	// learned; a refresh that brings none starts it anew.
	Rotations int `json:"rotations,omitempty"`

	// Subject is the account's id in the ID token of the login, or "". That of a
	// refresh must be the same (OpenID Connect Core section 12.2).
	Subject string `json:"subject,omitempty"`

	// Leftover are revocations of earlier grants of this login's account, which
	// at some servers would end the login too; see giveUpTokens.
	Leftover []pending `json:"leftover,omitempty"`

	Forgotten string `json:"-"` // why an earlier grant is no longer among Leftover; not stored

	Bound identity.Binding    `json:"bound,omitzero"` // where and for which client the tokens may be used
	Whose identity.Acceptance `json:"whose,omitzero"` // whose the login is, and what was accepted
}

// learned is how many rotations in a row make a provider one that rotates.
const learned = 3

// skew is how long before its end a token counts as ended: a minute, so that
// it survives the request it is handed out for, but no more than a tenth of a
// short life. Of a very short one it is more, because its end is not that exact:
// expires_in counts whole seconds (RFC 6749 section 5.1), and many providers count
// them from the beginning of the second in which they answer.
func (s Set) skew() time.Duration {
	if s.NoEnd {
		return 0
	}
	life := s.Expires.Sub(s.Issued)
	return min(time.Minute, max(life/10, min(4*time.Second, life*2/3)))
}

// Fresh reports whether the access token will last beyond the skew.
func (s Set) Fresh(now time.Time) bool { return s.Alive(now.Add(s.skew())) && s.timely(now) }

// Renews is when the access token stops to be fresh, or zero if it does not.
func (s Set) Renews() time.Time {
	if s.NoEnd {
		return time.Time{}
	}
	return s.Expires.Add(-s.skew())
}

// Alive reports whether the access token has not ended yet, as far as the clock
// tells.
func (s Set) Alive(now time.Time) bool {
	return !s.Access.Empty() && (s.NoEnd || now.Before(s.Expires)) && s.timely(now)
}

// timely reports whether the token can have been issued when it says. One from
// the future was issued while the clock was ahead: nobody knows when it ends, so
// it counts as ended.
func (s Set) timely(now time.Time) bool { return !s.Issued.After(now.Add(max(s.skew(), 0))) }

// authorized is when the user consented, or zero if that is not known. A time
// after now was written down while the clock was ahead.
func (s Set) authorized(now time.Time) time.Time {
	if s.Authorized.After(now.Add(time.Minute)) {
		return time.Time{}
	}
	return s.Authorized
}

// Ends returns when the login ends, or zero if that is not known: as the provider said,
// or else as long after the consent or the last refresh as its row has it.
func (s Set) Ends(life provider.Life, now time.Time) (end time.Time) {
	if !s.RefreshEnds.IsZero() {
		return s.RefreshEnds
	}
	if at := s.authorized(now); life.Grant != 0 && !at.IsZero() {
		end = at.Add(life.Grant)
	}
	if life.Idle != 0 && !s.Refresh.Empty() && s.timely(now) {
		if idle := s.Issued.Add(life.Idle); end.IsZero() || idle.Before(end) {
			end = idle
		}
	}
	return end
}

// stored is the JSON document in the vault. Its field names are fixed.
type stored struct {
	Set
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"` // separated by spaces, as on the wire
}

// ErrDamaged says that the vault's item is not a token set. Signing in again
// replaces it.
var ErrDamaged = errors.New("the stored tokens are damaged")

// Unread reports whether err says that nobody knows which tokens there are. With none,
// and with damaged ones, which are as good as none, one can begin anew.
func Unread(err error) bool {
	return err != nil && !errors.Is(err, vault.ErrNotFound) && !errors.Is(err, ErrDamaged)
}

func (s Set) encode() (secret.String, error) {
	data, err := json.Marshal(stored{s, s.Access.Reveal(), s.Refresh.Reveal(), strings.Join(s.Scopes, " ")}) //nolint:gosec // G117: it goes into the vault
	if err != nil {
		return "", fmt.Errorf("encode tokens: %w", err)
	}
	return secret.String(data), nil
}

func decode(item secret.String) (Set, error) {
	var d stored
	// The error of encoding/json may quote the input, so it is not passed on.
	if json.Unmarshal([]byte(item.Reveal()), &d) != nil || d.AccessToken == "" && d.RefreshToken == "" {
		return Set{}, ErrDamaged
	}
	set := d.Set
	set.Access, set.Refresh, set.Scopes = secret.String(d.AccessToken), secret.String(d.RefreshToken), strings.Fields(d.Scope)
	set.Rotations = min(max(set.Rotations, 0), learned)
	return set, nil
}
