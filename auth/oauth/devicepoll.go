package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"time"
)

// poll asks the token endpoint until there is a decision (RFC 8628 sections 3.4
// and 3.5).
func (w *Wire) poll(ctx context.Context, r DeviceRequest, d deviceLogin) (Tokens, error) {
	interval, wait := d.interval, d.interval
	for {
		if !w.waitUntil(ctx, wait, d.Expires) {
			if ctx.Err() != nil {
				return Tokens{}, endOfWait(ctx)
			}
			return Tokens{}, expired()
		}
		t, err := w.redeemDevice(ctx, &r, d)
		if err == nil {
			return t, nil
		}
		var answer *Error
		if !errors.As(err, &answer) {
			return Tokens{}, err
		}
		code := answer.Code
		if code == "" || code == "invalid_request" { // Twitch and others say it in words
			code = cmp.Or(answer.device, code)
		}
		switch code {
		case "authorization_pending":
			wait = interval
		case "slow_down":
			interval += slowDown // this and all subsequent requests
			wait = interval
		case "expired_token":
			return Tokens{}, expired()
		case "access_denied":
			answer.causes = append(answer.causes, ErrDenied)
			return Tokens{}, err
		default:
			if !answer.Transient || errors.Is(err, ErrTLS) {
				return Tokens{}, err
			}
			// RFC 8628 section 3.5 asks for an exponential backoff when the
			// provider does not answer. It ends when it answers again.
			wait = max(2*wait, answer.RetryAfter)
		}
	}
}

// waitUntil waits and reports whether there is still time for a request. It is
// false if ctx or the code's life ends first, then without more waiting than
// that. The life is the wall clock's, which goes on while a laptop sleeps.
func (w *Wire) waitUntil(ctx context.Context, wait time.Duration, end time.Time) bool {
	left := end.Sub(w.now())
	timer := time.NewTimer(min(wait, max(left, 0)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil && wait < left && w.now().Before(end)
	}
}

// redeemDevice sends one device access token request (RFC 8628 section 3.4).
func (w *Wire) redeemDevice(ctx context.Context, r *DeviceRequest, d deviceLogin) (Tokens, error) {
	form := url.Values{"grant_type": {deviceGrant}, "device_code": {d.secret.Reveal()}}
	return r.Keep.around(ctx, func(ctx context.Context) (Tokens, error) {
		// No nonce: the request that could carry one was never in a browser.
		return w.requestTokens(ctx, r.Endpoints, &r.Client, r.Scopes, "", form)
	})
}
