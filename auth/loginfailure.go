package auth

import (
	"context"
	"errors"
	"net/http"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/token"
)

// Why a login failed: the "reason" of a login_failed event. A provider that gave
// an error code of a standard is quoted by it: see LoginReasons.
const (
	ReasonDiscovery   = "discovery"         // the issuer named no endpoints
	ReasonDenied      = "denied"            // by the user, at the provider
	ReasonRefused     = "refused"           // by the provider, with no code that a standard defines
	ReasonUnreachable = "unreachable"       // there was no answer
	ReasonUnavailable = "unavailable"       // the provider has a problem of its own: HTTP status 408, 429 or 5xx
	ReasonCertificate = "certificate"       // the provider's is not trusted
	ReasonUnreadable  = "unreadable answer" // a page, a redirect, or what is no answer to the request
	ReasonNoToken     = "no token"          // the answer has none that can be used
	ReasonIdentity    = "identity"          // the answer is of another issuer, or its ID token is not for this login
	ReasonNotKept     = "not kept"          // it was granted, and could not be kept here
	ReasonDeleted     = "profile deleted"   // meanwhile
	ReasonError       = "error"             // whatever else
)

// LoginReasons are all that the reason can be, the codes of the standards included.
func LoginReasons() []string {
	return append(
		oauth.Codes(), ReasonDiscovery, ReasonDenied, ReasonRefused, ReasonUnreachable, ReasonUnavailable, ReasonCertificate,
		ReasonUnreadable, ReasonNoToken, ReasonIdentity, ReasonNotKept, ReasonDeleted, ReasonError,
	)
}

// loginReason is one of LoginReasons.
func loginReason(err error) string {
	var undone *token.Undone
	var answer *oauth.Error
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case is(profile.ErrNotFound):
		return ReasonDeleted
	case is(oauth.ErrDenied):
		return ReasonDenied
	case is(oauth.ErrTLS):
		return ReasonCertificate
	case is(oauth.ErrIssuer), is(oauth.ErrIDToken), is(oauth.ErrOtherAccount):
		return ReasonIdentity
	case is(oauth.ErrNoToken):
		return ReasonNoToken
	case is(oauth.ErrMalformed), is(oauth.ErrRedirect):
		return ReasonUnreadable
	case errors.As(err, &answer) && answer.Code != "":
		return answer.Code
	case answer != nil && answer.Transient && answer.Status == 0:
		return ReasonUnreachable
	case answer != nil && answer.Transient:
		return ReasonUnavailable
	case answer != nil:
		return ReasonRefused
	case errors.As(err, &undone): // the provider had granted it
		return ReasonNotKept
	}
	return ReasonError
}

// clientHint says which flag to try where the server may not have understood how the
// client shows who it is. The code is spent, so that takes another login.
func (a *loginAttempt) clientHint(err error) error {
	var answer *oauth.Error
	if !errors.As(err, &answer) || answer.Op != oauth.TokenRequest || a.Row.Fixed() || len(a.Endpoints.AuthMethods) > 0 {
		return err
	}
	unread := answer.Code == "" && (answer.Status == http.StatusBadRequest || answer.Status == http.StatusUnauthorized)
	if answer.Means != oauth.ClientRefused && !unread {
		return err
	}
	other := oauth.Post
	switch {
	case !a.Profile.HasSecret:
		return hint.Wrap(err, "check the client id; if the provider gave you a client secret, store it: stagedoor secret set "+a.Profile.Name)
	case a.client.Auth == oauth.Post:
		other = oauth.Basic
	}
	return hint.Wrap(err, "check the client id and the client secret; if they are right, create the profile anew with --auth-method "+string(other))
}

// recordLoginError tells a login that somebody called off from one that went
// wrong: only the latter is worth an alarm.
func (k *Keeper) recordLoginError(ctx context.Context, p profile.Profile, err error) {
	data := map[string]any{"reason": loginReason(err)}
	var undone *token.Undone
	if errors.As(err, &undone) {
		data["provider"] = string(undone.Outcome)
	}
	var answer *oauth.Error
	switch {
	case errors.Is(err, oauth.ErrCancelled), errors.Is(err, context.Canceled):
		data["reason"] = "cancelled"
		k.record(ctx, p, audit.LoginCancelled, audit.OK, data)
		return
	case errors.Is(err, oauth.ErrTimeout) && undone == nil && !errors.As(err, &answer):
		data["reason"] = "nobody answered"
		k.record(ctx, p, audit.LoginCancelled, audit.OK, data)
		return
	case errors.As(err, &answer):
		data["transient"] = answer.Transient
		if answer.Status != 0 {
			data["status"] = answer.Status
		}
		if answer.Code != "" {
			data["error"] = answer.Code
		}
	}
	k.record(ctx, p, audit.LoginFailed, audit.Failed, data)
	k.recordTLS(ctx, p, err)
}
