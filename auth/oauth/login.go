package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
	"golang.org/x/oauth2"
)

// DefaultLoginTimeout is how long a login waits for the user.
const DefaultLoginTimeout = 5 * time.Minute

// LoginRequest says who logs in where, and how the user is met.
type LoginRequest struct {
	Endpoints
	Client Client
	Scopes []string

	// Ports are the loopback ports to listen on, of which the first that is free is
	// taken; without one any is, where the provider allows that (RFC 8252 section 7.3).
	Ports []int
	Path  string // of the redirect URI; "" means "/callback"
	Host  string // "localhost" where the provider takes no 127.0.0.1, else "" or that
	// Extra are further parameters of the authorization request, such as
	// prompt=consent. The ones that this package sets itself are refused.
	Extra   url.Values
	Timeout time.Duration // 0 means DefaultLoginTimeout

	// Open shows the URL to the user. It gets it as one argument, runs on a
	// goroutine of its own, and should return once the browser was started.
	// Login does not wait for it. Nil opens nothing.
	Open func(ctx context.Context, url string) error
	// OnOpenFailed, if set, is told that Open failed. The login goes on: the page
	// may be up all the same, and the user can open the URL by hand.
	OnOpenFailed func(error)
	// OnURL, if set, is called with the URL once the listener is open, before
	// Open.
	OnURL func(url string)
	// OnStray, if set, is called for every request to the listener that was
	// turned away although it looked like an answer: "bad_state",
	// "missing_state", "doubled_state", "reused_state", "malformed",
	// "wrong_host". One call at a time, none after Login has returned, and at
	// most 20 for one login, so that a flood does not fill the audit log.
	OnStray func(reason string)
	// Keep, if set, is what the login's answer is worth: see Keep.
	Keep Keep
}

// Keep sends the token request of a login by calling redeem, once at most, and
// keeps what came of it; its error is the login's, and the page in the browser
// waits for it. redeem can return tokens together with an error: they were
// granted and must not be used, so Keep is to revoke them.
type Keep func(ctx context.Context, redeem func(context.Context) (Tokens, error)) error

// around calls redeem by way of k.
func (k Keep) around(ctx context.Context, redeem func(context.Context) (Tokens, error)) (t Tokens, err error) {
	if k == nil {
		if t, err = redeem(ctx); err != nil && ctx.Err() != nil {
			err = endOfWait(ctx)
		}
	} else {
		err = k(ctx, func(ctx context.Context) (granted Tokens, err error) {
			granted, err = redeem(ctx)
			t = granted
			return granted, err
		})
	}
	if err != nil {
		return Tokens{}, err
	}
	return t, nil
}

// Login signs the user in: authorization code with PKCE S256 through the system
// browser and a loopback listener that is open until Login returns.
//
// What does not carry the right state is answered with 400 and changes nothing:
// the login goes on waiting. What does, ends it, once. The browser's page is
// held back until the tokens are kept, so that it tells the truth.
//
// Errors: ErrDenied, ErrTimeout, ErrCancelled (ctx ended), ErrPortTaken,
// ErrIssuer, ErrIDToken, ErrNoS256, ErrInsecureURL, or an [*Error] with the code
// of the authorization or token endpoint.
func (w *Wire) Login(ctx context.Context, r LoginRequest) (Tokens, error) {
	w = w.Trusting(r.Trust)
	a, err := w.newAttempt(r)
	if err != nil {
		return Tokens{}, err
	}
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = DefaultLoginTimeout
	}
	waiting, stop := context.WithTimeoutCause(ctx, timeout, ErrTimeout)
	defer stop()

	if waiting.Err() != nil {
		return Tokens{}, endOfWait(waiting)
	}
	l, err := openListener(waiting, a, r.OnStray)
	if err != nil {
		return Tokens{}, err
	}
	t, err := w.await(ctx, waiting, a, l)
	l.end(err)
	return t, err
}

// await shows the URL, waits for the answer until waiting ends, and redeems it
// under ctx.
func (w *Wire) await(ctx, waiting context.Context, a *attempt, l *listener) (Tokens, error) {
	target := a.authorizationURL()
	if a.OnURL != nil {
		a.OnURL(target)
	}
	opened := make(chan error, 1)
	if a.Open != nil {
		go func() { opened <- a.Open(ctx, target) }()
	}
	for {
		select {
		case err := <-opened:
			if err != nil && ctx.Err() == nil && a.OnOpenFailed != nil {
				a.OnOpenFailed(err)
			}
		case <-waiting.Done():
			return Tokens{}, endOfWait(waiting)
		case c := <-l.accepted:
			return w.redeem(ctx, a, c)
		}
	}
}

// endOfWait says why nobody waits any more.
func endOfWait(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrTimeout) || errors.Is(cause, context.DeadlineExceeded) {
		return hint.Wrap(fmt.Errorf("login: %w: nobody signed in", ErrTimeout), "start the login again and finish it in the browser")
	}
	return fmt.Errorf("login: %w", ErrCancelled)
}

// attempt is one login: what was sent, and what an answer has to match. It does
// not change once the listener is open.
type attempt struct {
	LoginRequest
	state, verifier, nonce string // nonce is empty without the openid scope
	redirect               string // set when the port is known
}

// ours are the parameters that an authorization request sets itself.
var ours = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}

// reserved are the parameters of the authorization request that are not for
// the caller to set.
var reserved = append(slices.Clip(ours),
	"client_secret", "client_assertion", "client_assertion_type", "resource", "response_mode", "request", "request_uri",
	"grant_type", "device_code", "code", "code_verifier", "refresh_token", "username", "password")

// maxParam bounds a parameter that is set by hand, in bytes of name and value.
const maxParam = 2 << 10

// CheckParam says why a parameter of the authorization request cannot be set by
// hand. It does not repeat the value.
func CheckParam(name, value string) error {
	switch {
	case slices.Contains(reserved, strings.ToLower(name)):
		return fmt.Errorf("the parameter %q cannot be set by hand", name)
	case name == "" || !printable(name) || strings.ContainsAny(name, " =&#?"):
		return errors.New("that is no name of a parameter")
	case strings.ContainsFunc(value, text.Hidden) || len(name)+len(value) > maxParam:
		return fmt.Errorf("the value of %q is too long or has invisible characters in it", name)
	}
	return nil
}

// checkRequest says what in the first request of a login cannot be sent.
func checkRequest(e Endpoints, c Client, scopes []string, extra url.Values) error {
	if err := e.Validate(); err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	if i := slices.IndexFunc(scopes, func(s string) bool { return !IsScope(s) }); i >= 0 {
		return fmt.Errorf("%q cannot be a scope", scopes[i])
	}
	for name, values := range extra {
		if err := CheckParam(name, strings.Join(values, " ")); err != nil {
			return err
		}
	}
	return nil
}

// IsRedirectPath reports whether path can be that of a redirect URI: it means the
// same to everybody who compares it.
func IsRedirectPath(path string) bool { return redirectPath().MatchString(path) && len(path) <= 255 }

var redirectPath = text.Pattern(`^(/[0-9A-Za-z_~-][0-9A-Za-z._~-]*)+/?$`)

func (w *Wire) newAttempt(r LoginRequest) (*attempt, error) {
	if err := checkRequest(r.Endpoints, r.Client, r.Scopes, r.Extra); err != nil {
		return nil, err
	}
	if r.S256 == No {
		return nil, ErrNoS256
	}
	r.Path = cmp.Or(r.Path, "/callback")
	if !IsRedirectPath(r.Path) {
		return nil, errors.New("the path of the redirect must start with / and be plain")
	}
	a := &attempt{LoginRequest: r, verifier: oauth2.GenerateVerifier()}
	for _, to := range []*string{&a.state, &a.nonce} {
		var err error
		if *to, err = w.random(); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(r.Scopes, "openid") {
		a.nonce = ""
	}
	return a, nil
}

// authorizationURL is what the browser opens (RFC 6749 section 4.1.1). A query
// that the endpoint has already stays, but for what the request says itself: no
// parameter may be there twice (section 3.1).
func (a *attempt) authorizationURL() string {
	u, err := url.Parse(a.Authorization)
	if err != nil {
		return "" // cannot be: the endpoints were validated
	}
	q := u.Query()
	maps.Copy(q, a.Extra)
	maps.DeleteFunc(q, func(name string, _ []string) bool { return slices.Contains(ours, name) })
	u.RawQuery = q.Encode()
	config := oauth2.Config{ClientID: a.Client.ID, RedirectURL: a.redirect, Endpoint: oauth2.Endpoint{AuthURL: u.String()}}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.verifier)}
	if name, scopes := a.Dialect.scopes(a.Scopes); scopes != "" {
		options = append(options, oauth2.SetAuthURLParam(name, scopes))
	}
	if a.nonce != "" {
		options = append(options, oauth2.SetAuthURLParam("nonce", a.nonce))
	}
	return config.AuthCodeURL(a.state, options...)
}

// redeem turns the authorization response into tokens, or into the reason why
// there are none.
func (w *Wire) redeem(ctx context.Context, a *attempt, c callback) (Tokens, error) {
	if err := a.check(c); err != nil {
		return Tokens{}, err
	}
	form := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {c.code},
		"redirect_uri":  {a.redirect},
		"code_verifier": {a.verifier},
	}
	return a.Keep.around(ctx, func(ctx context.Context) (Tokens, error) {
		return w.requestTokens(ctx, a.Endpoints, &a.Client, a.Scopes, a.nonce, form)
	})
}

// requestTokens sends the token request of a login. With openid among the scopes
// that were asked for there has to be an ID token (OpenID Connect Core section
// 3.1.3.3), unless the server was described by hand: then nobody has said that it
// does OpenID Connect.
//
// Tokens that come with an error are good at the provider and not for us.
func (w *Wire) requestTokens(ctx context.Context, e Endpoints, c *Client, asked []string, nonce string, form url.Values) (Tokens, error) {
	a, err := w.postGuessing(ctx, TokenRequest, e.Token, c, form)
	if err != nil {
		return Tokens{}, err
	}
	t, err := a.tokens(e.Dialect, w.now())
	t.Auth = c.Auth
	if err != nil {
		var failed *Error
		if errors.As(err, &failed) && !t.Refresh.Empty() {
			failed.Transient = false // the code is spent
		}
		return t, err
	}
	if !t.ScopeGiven {
		t.Scope = slices.Clone(asked)
	}
	if !slices.Contains(asked, "openid") {
		return t, nil
	}
	if t.IDToken.Empty() {
		if e.Issuer == "" || !slices.Contains(t.Scope, "openid") {
			return t, nil
		}
		return t, hint.Wrap(fmt.Errorf("%w: there is none, although openid was granted", ErrIDToken),
			"if the provider is no OpenID Connect provider, create the profile with --provider oauth2, or with scopes other than openid")
	}
	subject, err := checkIDToken(t.IDToken, idTokenRules{issuer: e.Issuer, audience: c.ID, nonce: nonce, now: w.now()})
	if err == nil {
		t.Subject = subject
		t.Unchecked, err = w.checkSignature(ctx, e.JWKS, t.IDToken)
	}
	return t, err
}
