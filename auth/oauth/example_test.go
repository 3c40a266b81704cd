package oauth_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// A login, a refresh and a revocation, with the scripted server in the
// provider's place and its browser in the user's.
func Example() {
	server, err := authtest.NewServer(authtest.Params{Rotation: authtest.Rotating})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()

	ctx := context.Background()
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	wire, err := oauth.NewWire(oauth.Params{HTTP: hc, Now: time.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	endpoints, err := wire.Discover(ctx, server.Issuer())
	if err != nil {
		fmt.Println(err)
		return
	}
	client := oauth.Client{ID: "stagedoor"}
	tokens, err := wire.Login(ctx, oauth.LoginRequest{
		Endpoints: endpoints, Client: client, Scopes: []string{"openid"},
		Open: new(authtest.Browser).Open,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	who, err := wire.Identify(ctx, endpoints.UserInfo, tokens.Access, oauth.IdentitySpec{
		IDFields: []string{"sub"}, NameFields: []string{"name"}, Subject: tokens.Subject,
	})
	fmt.Println("signed in as", who.Name, err)

	next, err := wire.Refresh(ctx, endpoints, client, tokens.Refresh)
	fmt.Println("refreshed:", next.Access, next.Refresh != tokens.Refresh, err)

	fmt.Println("revoked:", wire.Revoke(ctx, endpoints, client, next.Refresh, "refresh_token"))
	_, err = wire.Refresh(ctx, endpoints, client, next.Refresh)
	fmt.Println("log in again:", oauth.IsGrantRefused(err))
	// Output:
	// signed in as Ada Lovelace <nil>
	// refreshed: [redacted] true <nil>
	// revoked: <nil>
	// log in again: true
}
