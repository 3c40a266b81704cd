package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// DeviceCode is what the user needs to sign in on another device: a code to
// type and the address to type it at.
type DeviceCode = oauth.DeviceCode

// LoginDevice signs the profile in on another device (RFC 8628), for a machine
// without a browser, and stores the tokens. onCode gets what to show the user;
// LoginDevice then waits until the user has decided, the code has expired or
// ctx ends. What follows is as with Login: the same events, the same errors.
func (k *Keeper) LoginDevice(ctx context.Context, name string, onCode func(DeviceCode)) (LoginResult, error) {
	a, err := k.beginLogin(ctx, name)
	if err != nil {
		return LoginResult{}, err
	}
	if a.Endpoints.DeviceAuthorization == "" {
		// Nothing was tried, so nothing failed: the log has no part in it.
		return LoginResult{}, hint.Wrap(fmt.Errorf("log in to %s: %w", a.Row.Name, oauth.ErrNoDevice),
			"sign in with a browser: stagedoor login "+a.Profile.Name+", or, if none can be started from here, stagedoor login "+a.Profile.Name+" --no-browser")
	}
	k.record(ctx, a.Profile, audit.LoginStarted, audit.OK, k.askedFor(map[string]any{"device": true}))
	_, err = k.wire.Device(ctx, oauth.DeviceRequest{
		Endpoints: a.Endpoints, Client: a.client, Scopes: a.Scopes(), Extra: a.AuthParams(), OnCode: onCode, Keep: k.keep(a),
	})
	var refused *oauth.Error
	if errors.As(err, &refused) && refused.Code == "unauthorized_client" {
		err = hint.Wrap(err, "the provider does not let this client use the device flow: allow it on the provider's developer page, or sign in with a browser")
	}
	return k.endLogin(ctx, a, err)
}
