package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/identity"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// attempt is one refresh request and what its answer is saved with.
type attempt struct {
	grant  Grant
	doubt  bool // see finishPending
	old    Set
	intent record
	key    []byte
	client oauth.Client // the profile's secret may be gone when the answer comes
}

// saveRefreshed saves the answer to a refresh: first to the write-ahead file, which
// takes a millisecond, then to the vault, which may take seconds or a prompt.
func (s *Service) saveRefreshed(ctx context.Context, a attempt, answer oauth.Tokens) (Set, error) {
	g, set := a.grant, merge(a.old, answer)
	set.Doubt = a.doubt
	if g.ended(a.old, s.Now()) { // it has not, so the day of consent is wrong
		set.Authorized = time.Time{}
	}
	if a.old.Authorized.After(set.Issued) { // written down while the clock was ahead
		set.Authorized = set.Issued
	}
	if was := a.subject(); answer.Subject != "" {
		set.Subject = answer.Subject
		if was != "" && was != answer.Subject {
			set.Whose = anotherAccount(g, set, was, s.Now())
		}
	}
	r := a.intent
	journalled := r.seal(a.key, g.ID, set)
	if journalled == nil {
		journalled = s.journal.write(g.ID, r)
	}
	s.at("answer written")
	// A journal that cannot be written is one more reason to save at once.
	err := s.save(ctx, g.ID, set, a.old.Gen)
	switch {
	case errors.Is(err, errStale): // revoked or signed in anew meanwhile: theirs counts
		return s.superseded(ctx, a, set)
	case err != nil && journalled == nil && set.Alive(s.Now()):
		return set, nil // whoever comes next finishes the save
	case err != nil:
		if journalled != nil && set.Refresh != a.old.Refresh { // kept nowhere, and the one before is spent
			s.revokeLate(ctx, g.ID, newPending(s.Now(), g, a.client, set))
		}
		return Set{}, fmt.Errorf("save the refreshed tokens: %w", err)
	}
	s.at("saved")
	s.recordRefresh(ctx, g, a.old, set)
	s.at("recorded")
	_ = s.journal.remove(g.ID) // the vault has moved on: whoever comes next drops it
	s.at("journal removed")
	return set, nil
}

// subject is the account that the tokens are of, as an ID token names it, or "".
// Tokens of a version that did not keep it are of the account that was accepted,
// where that is named by the same issuer.
func (a attempt) subject() string {
	if accepted := a.old.Whose.Accepted; a.old.Subject == "" && a.grant.Endpoints.Issuer != "" && accepted != nil {
		return accepted.Subject
	}
	return a.old.Subject
}

// anotherAccount notes that a refresh brought the tokens of another account than
// the login's. They are kept, since the refresh token before may be spent, and
// nobody gets one until the user has accepted the account or signed in as before.
func anotherAccount(g Grant, set Set, was string, now time.Time) identity.Acceptance {
	claims := func(subject string) *identity.Claims {
		c := identity.Claims{Subject: subject, Name: subject, Scopes: set.Scopes, Issuer: set.Issuer, At: now.UTC()}
		if g.Endpoints.Issuer == "" { // the identity call may name it differently
			c.Subject, c.Signed = "", subject
		}
		return &c
	}
	w := set.Whose
	if w.Accepted == nil {
		w.Accepted = claims(was)
	}
	w.Changed = claims(set.Subject)
	return w
}

// merge is the token set after a refresh. A response without a refresh token
// keeps the old one; one with it retires the old for ever.
func merge(old Set, answer oauth.Tokens) Set {
	set := old
	set.Gen++
	set.Refused, set.Lost, set.Unclear = false, false, unclear{}
	if !answer.Access.Empty() {
		set.Access, set.Type = answer.Access, answer.Type
		set.Issued = answer.Issued
		set.Expires, set.NoEnd = answer.End()
		set.Scopes = granted(answer, old.Scopes)
	}
	if !answer.RefreshEnds.IsZero() || !answer.Refresh.Empty() {
		set.RefreshEnds = answer.RefreshEnds
	}
	if !answer.RefreshEnds.IsZero() { // the login may be from before that was said
		set.RefreshLife = max(set.RefreshLife, answer.RefreshEnds.Sub(answer.Issued))
	}
	if !answer.Refresh.Empty() && answer.Refresh != old.Refresh {
		set.Refresh = answer.Refresh
		set.Rotations = min(old.Rotations+1, learned)
	} else {
		set.Rotations = 0
	}
	return set
}

// renewed is how far a refresh moves the end of a login, at least, that is worth a
// word: providers give it as seconds from an answer that was some on its way.
const renewed = time.Hour

// recordRefresh writes into the audit log what a refresh changed.
func (s *Service) recordRefresh(ctx context.Context, g Grant, old, set Set) {
	rotated := set.Refresh != old.Refresh
	if set.Access != old.Access {
		data := map[string]any{"generation": set.Gen, "rotated": rotated}
		if was, ends := old.Ends(g.Life, s.Now()), set.Ends(g.Life, s.Now()); !was.IsZero() && ends.Sub(was) >= renewed {
			data["ends_at"] = ends.Unix()
		}
		s.Record(ctx, g.ID, audit.TokenRefreshed, audit.OK, data)
	}
	switch {
	case rotated:
		s.Record(ctx, g.ID, audit.TokenRotation, audit.OK, map[string]any{
			"old": s.Fingerprint(ctx, old.Refresh), "new": s.Fingerprint(ctx, set.Refresh),
		})
	case s.rotationExpected(g, old):
		s.Record(ctx, g.ID, audit.ReuseDetected, audit.Failed, map[string]any{
			"kind": "not_rotated", "token": s.Fingerprint(ctx, set.Refresh),
		})
	}
	if w := set.Whose; w.Changed != nil && old.Whose.Changed == nil {
		s.Record(ctx, g.ID, audit.ClaimsChanged, audit.Failed, map[string]any{
			"what": "account", "account_before": w.Accepted.Name, "account_now": w.Changed.Name, "op": "refresh",
		})
	}
	s.recordOdd(ctx, g, old, set)
	if lost := without(old.Scopes, set.Scopes); len(lost) > 0 {
		s.Record(ctx, g.ID, audit.ScopeNarrowed, audit.OK, map[string]any{"lost": strings.Join(lost, " "), "scope": strings.Join(set.Scopes, " ")})
	}
}

// recordOdd tells the log of a token that is shorter than the provider's tokens
// are, unless the one before was so too. It is kept all the same: a token is opaque
// to its client (RFC 6749 section 1.4).
func (s *Service) recordOdd(ctx context.Context, g Grant, old, set Set) {
	odd := func(t secret.String) bool { return !t.Empty() && len(t.Reveal()) < g.LeastToken }
	for _, t := range []struct {
		name     string
		was, now secret.String
	}{{"access", old.Access, set.Access}, {"refresh", old.Refresh, set.Refresh}} {
		if odd(t.now) && !odd(t.was) {
			s.Record(ctx, g.ID, audit.OddToken, audit.OK, map[string]any{"kind": "short", "token": t.name, "length": len(t.now.Reveal())})
		}
	}
}

// rotationExpected reports whether a refresh must bring a new refresh token:
// the provider's row says so, or the provider was seen to do it.
func (s *Service) rotationExpected(g Grant, set Set) bool {
	return g.Rotation == provider.Rotates || g.Rotation == provider.Unknown && set.Rotations >= learned
}

// superseded drops the answer of a refresh because the vault has moved on. Its
// tokens must not live on at the provider for nobody.
func (s *Service) superseded(ctx context.Context, a attempt, late Set) (Set, error) {
	g := a.grant
	g.Client = func(context.Context) (oauth.Client, error) { return a.client, nil }
	current, err := s.Load(ctx, g.ID)
	if err := s.giveUpTokens(ctx, g, late, current, err); err != nil {
		return Set{}, err // the write-ahead file is for whoever comes next
	}
	s.at("late tokens given up")
	if err := s.journal.remove(g.ID); err != nil {
		return Set{}, err
	}
	if err == nil {
		return s.orAlive(a.grant, current, fmt.Errorf("%w: the profile was changed during a refresh", ErrLoginNeeded))
	}
	return Set{}, fmt.Errorf("%w: the profile was revoked during a refresh", ErrLoginNeeded)
}

// without returns what is in all but not in some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(x string) bool {
		return slices.ContainsFunc(some, func(s string) bool { return strings.EqualFold(s, x) })
	})
}
