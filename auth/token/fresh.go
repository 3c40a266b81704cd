package token

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Fresh returns tokens whose access token will last beyond the skew.
//
// It reads the vault once and returns if the token is fresh: no lock, no write.
// Otherwise it refreshes, once for all goroutines and processes that ask. A
// caller whose context ends is let go while the refresh runs on: a refresh
// token may be spent already, and its successor must be saved.
//
// Errors: ErrLoginNeeded when only the user can help, ErrAnswerLost among them;
// a transient failure of the provider or the network as such, unless the old
// token is still alive.
func (s *Service) Fresh(ctx context.Context, g Grant) (Set, error) {
	set, err := s.Load(ctx, g.ID)
	switch {
	case errors.Is(err, ErrDamaged): // a write-ahead file may mend that
	case (err == nil || errors.Is(err, vault.ErrNotFound)) && s.Busy(g.ID): // which other tokens may come of
	case err != nil:
		return Set{}, readable(err)
	default:
		if err := g.vet(set); err != nil {
			return Set{}, err
		}
		if set.Fresh(s.Now()) {
			return set, nil
		}
	}
	s.at("checked")
	work := context.WithoutCancel(ctx)
	flight := s.flight.DoChan(g.ID, func() (any, error) { return s.refresh(work, g) })
	landed := make(chan singleflight.Result, 1)
	s.busy.Go(func() { landed <- <-flight })
	select {
	case <-ctx.Done():
		return Set{}, ctx.Err()
	case r := <-landed:
		if r.Err != nil {
			return Set{}, r.Err
		}
		return r.Val.(Set), nil
	}
}

// Wait returns when no refresh is in flight any more, or when ctx ends. A
// process that ends earlier may take a spent refresh token's successor with it.
func (s *Service) Wait(ctx context.Context) {
	landed := make(chan struct{})
	go func() { s.busy.Wait(); close(landed) }()
	select {
	case <-landed:
	case <-ctx.Done():
	}
}

// Try refreshes the tokens, however fresh they are, with the client that the grant
// has, and reports whether there were any to refresh. What the provider answered is
// kept. An error says that the client was not accepted, or could not be tried.
func (s *Service) Try(ctx context.Context, g Grant) (tried bool, err error) {
	set, err := s.Load(ctx, g.ID)
	if errors.Is(err, vault.ErrNotFound) || errors.Is(err, ErrDamaged) || err == nil && (set.Refused || set.Refresh.Empty()) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	g.Trial = true
	_, err = s.refresh(context.WithoutCancel(ctx), g)
	return true, err
}

// readable turns what a user must hear as "sign in" into that.
func readable(err error) error {
	switch {
	case errors.Is(err, vault.ErrSignedOut):
		return fmt.Errorf("%w: signed out at logout", ErrLoginNeeded)
	case errors.Is(err, vault.ErrNotFound):
		return ErrLoginNeeded
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("%w: %w", ErrLoginNeeded, err)
	}
	return err
}

// refresh is Fresh without the hot path.
func (s *Service) refresh(ctx context.Context, g Grant) (Set, error) {
	lock, err := s.lock(ctx, g.ID)
	if err != nil { // never refresh unlocked
		set, loadErr := s.Load(ctx, g.ID)
		if loadErr := readable(loadErr); loadErr != nil {
			return Set{}, loadErr
		}
		if s.Busy(g.ID) { // looked at after the tokens, as in Fresh
			return Set{}, err
		}
		return s.orAlive(g, set, err)
	}
	defer lock.Release()
	set, err := s.refreshLocked(ctx, g)
	s.at("done")
	return set, err
}

func (s *Service) refreshLocked(ctx context.Context, g Grant) (Set, error) {
	s.at("locked")
	set, doubt, err := s.finishPending(ctx, g)
	if err := readable(err); err != nil {
		return s.orAlive(g, set, err)
	}
	s.at("read again")
	if err := g.vet(set); err != nil { // another login meanwhile
		return Set{}, err
	}
	switch {
	case set.Fresh(s.Now()) && !g.Trial && (!doubt || !s.canAskAgain(g)):
		// Another process refreshed while this one waited, or was killed before
		// it could save: its token is ours.
		return set, nil
	case set.Refused, set.Refresh.Empty():
		return s.orAlive(g, set, whyRefused(set))
	case set.Issuer != g.Issuer:
		// The refresh token was issued by somebody else and must not be shown
		// to this one.
		return Set{}, fmt.Errorf("%w: the profile now has another issuer", ErrLoginNeeded)
	}
	client, err := g.Client(ctx)
	if err != nil {
		return s.orAlive(g, set, err)
	}
	key, err := s.walKey(ctx)
	if err != nil {
		return s.orAlive(g, set, err)
	}
	if g.RefreshEndsAccess {
		defer s.drain(ctx, g.ID)()
	}
	intent := record{Version: journalVersion, Gen: set.Gen, Token: s.Fingerprint(ctx, set.Refresh), At: s.Now().UTC()}
	if err := intent.seal(key, g.ID, Set{}); err != nil {
		return s.orAlive(g, set, err)
	}
	if !doubt { // else the first attempt's intent stands
		if err := s.journal.write(g.ID, intent); err != nil {
			return s.orAlive(g, set, hint.Wrap(err, "make room on the disk: a refresh without a journal could cost the login"))
		}
	}
	s.at("intent written")

	request, cancel := context.WithTimeout(ctx, httpWait)
	defer cancel()
	answered := func(error) {}
	if g.RefreshEndsAccess {
		answered = s.asking(g.ID, set.Gen+1)
	}
	answer, err := s.Wire.Refresh(request, g.Endpoints, client, set.Refresh)
	sure := doubt && s.canAskAgain(g) // the answer is the one that was lost
	if maySpend(err) && answer.Refresh.Empty() && request.Err() == nil && s.canAskAgain(g) {
		s.at("answer lost")
		doubt, sure = true, true
		first := answered
		answered = func(err error) {
			if err == nil { // else it is still not known what became of the first request
				first(nil)
			}
		}
		answer, err = s.Wire.Refresh(request, g.Endpoints, client, set.Refresh)
	}
	answered(err)
	s.at("answered")
	a := attempt{grant: g, doubt: doubt && !sure, old: set, intent: intent, key: key, client: client}
	if err == nil && answer.Stranger && a.subject() != "" {
		err = hint.Wrap(fmt.Errorf("%w: the refreshed one is from another issuer, for another client or names no account", oauth.ErrIDToken),
			"sign in again: stagedoor login "+g.Name)
		answer = oauth.Tokens{Refresh: answer.Refresh}
	}
	if err == nil {
		return s.saveRefreshed(ctx, a, answer)
	}
	if !answer.Refresh.Empty() { // unusable but for the successor of a spent token
		if saved, saveErr := s.saveRefreshed(ctx, a, answer); saveErr == nil {
			set, doubt = saved, false
		}
	} else if !doubt && !maySpend(err) {
		if err := s.journal.remove(g.ID); err != nil {
			return s.orAlive(g, set, err)
		}
	}
	return s.refreshFailed(ctx, g, set, doubt, err)
}

// AskAgain asks once more for an answer that was lost, if canAskAgain says so.
func (s *Service) AskAgain(ctx context.Context, g Grant) error {
	if !s.canAskAgain(g) {
		return nil
	}
	_, err := s.refresh(context.WithoutCancel(ctx), g)
	return err
}

// canAskAgain reports whether the answer to a refresh was lost so short a time ago that
// the provider gives it again.
func (s *Service) canAskAgain(g Grant) bool {
	if g.ReuseGrace == 0 {
		return false
	}
	r, found, err := s.journal.read(g.ID)
	age := s.Now().Sub(r.At)
	return err == nil && found && r.intent() && age >= 0 && age < g.ReuseGrace
}

// maySpend reports whether a request that failed may have spent its refresh
// token all the same: it was sent, and no answer came that says otherwise.
func maySpend(err error) bool {
	var e *oauth.Error
	switch {
	case !errors.As(err, &e), !e.Sent:
		return false
	case e.Status == http.StatusRequestTimeout:
		return true
	case e.Status >= 300 && e.Status < 500:
		return false
	case e.Answered && !e.Transient: // also with a 200
		return false
	}
	return true
}

// refreshFailed writes into the audit log and decides what the caller gets. doubt says
// that an earlier request with the same refresh token may have been fulfilled.
func (s *Service) refreshFailed(ctx context.Context, g Grant, set Set, doubt bool, cause error) (Set, error) {
	data := map[string]any{"transient": oauth.IsTransient(cause)}
	if g.Trial {
		data["trial"] = true
	}
	var answer *oauth.Error
	if errors.As(cause, &answer) {
		data["status"] = answer.Status
		if answer.Code != "" {
			data["error"] = answer.Code
		}
	}
	over := oauth.IsGrantRefused(cause)
	if !over && !g.Trial && s.refusedAgain(ctx, g, set, answer) {
		over, data["repeated"] = true, true
	}
	if !over || g.Trial { // of another client than the login's it says nothing
		s.Record(ctx, g.ID, audit.RefreshFailed, audit.Failed, data)
		if answer != nil && errors.Is(cause, oauth.ErrTLS) {
			s.Record(ctx, g.ID, audit.TLSFailed, audit.Failed, map[string]any{"host": answer.Host, "op": "refresh"})
		}
		return s.orAlive(g, set, fmt.Errorf("refresh the token: %w", cause))
	}
	// Somebody without our lock (an older version, another machine with the
	// same keychain) may have rotated the token: use theirs.
	if current, err := s.Load(ctx, g.ID); err == nil && current.Gen != set.Gen {
		_ = s.journal.remove(g.ID) // about tokens that are gone
		return s.orAlive(g, current, whyRefused(current))
	}
	refused := set
	refused.Gen++
	refused.Refused = true
	// A token that never changes was not spent by the request that got no answer.
	refused.Lost = (doubt || set.Doubt) && g.Rotation != provider.Static
	data["needs_login"], data["token"] = true, s.Fingerprint(ctx, set.Refresh)
	if refused.Lost {
		data["lost_response"] = true
	} else {
		data["grant_ended"] = g.ended(set, s.Now())
	}
	sign := s.reuseSign(g, set, answer)
	if sign == "" && !refused.Lost && s.endedEarly(ctx, g, set) {
		data["early"] = true
	}
	if !doubt {
		// The answer came, so nothing is in doubt. Killed from here on, the next
		// one asks again and hears the same.
		if err := s.journal.remove(g.ID); err != nil {
			return Set{}, err
		}
	}
	s.Record(ctx, g.ID, audit.RefreshFailed, audit.Failed, data)
	if sign != "" && !refused.Lost {
		s.Record(ctx, g.ID, audit.ReuseDetected, audit.Failed, map[string]any{
			"kind": "invalid_grant_on_current", "sign": sign, "token": s.Fingerprint(ctx, set.Refresh),
		})
	}
	s.at("refusal recorded")
	if err := s.save(ctx, g.ID, refused, set.Gen); err != nil && !errors.Is(err, errStale) {
		return Set{}, err
	}
	s.at("refusal saved")
	if err := s.journal.remove(g.ID); err != nil {
		return Set{}, err
	}
	reason := whyRefused(refused)
	if g.ended(set, s.Now()) {
		reason = signInAgain(fmt.Errorf("%w: the login ended; this provider limits how long one lasts", ErrLoginNeeded))
	}
	return s.orAlive(g, set, reason)
}

// justRotated is how young a refresh token is that nothing but its use by
// somebody else is likely to have ended.
const justRotated = 5 * time.Minute

// reuseSign returns the sign that a refresh token which was current here and is
// refused there was used by somebody else (RFC 9700 section 4.14), or "". The
// refusal alone is none: a password change, a removal by the user and a long
// pause end a login too, and nearly always it is one of these.
func (s *Service) reuseSign(g Grant, set Set, answer *oauth.Error) string {
	age := s.Now().Sub(set.Issued)
	switch {
	case g.ended(set, s.Now()):
		return ""
	case answer.Reuse:
		return "reuse_said" // by the provider
	case s.rotationExpected(g, set) && age >= 0 && age <= justRotated:
		return "just_rotated"
	}
	return ""
}

const (
	// inUse is how long after its last good answer a login counts as in use: less
	// than a night, after which providers end logins for reasons of their own.
	inUse = 6 * time.Hour
	// nearEnd is how long before the end of its known life a login may be ended
	// without anybody's doing: providers count in months.
	nearEnd = 30 * 24 * time.Hour
)

// endedEarly reports whether the login ended before its time, at a provider whose
// refresh tokens stay: there, only the user or somebody who has the token does that.
func (s *Service) endedEarly(ctx context.Context, g Grant, set Set) bool {
	now, end := s.Now(), set.Ends(g.Life, s.Now())
	age := now.Sub(set.Issued)
	switch {
	case g.Rotation != provider.Static && g.Rotation != provider.Varies, age < 0, age > inUse:
		return false
	case g.Life.Grant != 0 && end.Sub(now) < nearEnd: // also if nobody knows when it began
		return false
	}
	return s.TookBack == nil || !s.TookBack(ctx, g.ID)
}

// whyRefused says why there is no refreshing this set.
func whyRefused(set Set) error {
	switch {
	case set.Lost:
		return signInAgain(ErrAnswerLost)
	case set.Refused:
		return signInAgain(fmt.Errorf("%w: the provider no longer accepts the login", ErrLoginNeeded))
	case set.Refresh.Empty():
		return signInAgain(fmt.Errorf("%w: the login cannot be renewed, since the provider gave no refresh token", ErrLoginNeeded))
	}
	return signInAgain(ErrLoginNeeded)
}

func signInAgain(err error) error { return hint.Wrap(err, "sign in again: stagedoor login") }

// orAlive returns the old token while it is alive, and cause when it is not, or
// when the refresh was a trial.
func (s *Service) orAlive(g Grant, set Set, cause error) (Set, error) {
	if set.Alive(s.Now()) && !g.Trial {
		return set, nil
	}
	return Set{}, cause
}
