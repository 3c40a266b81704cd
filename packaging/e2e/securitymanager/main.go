//go:build e2e && linux

// Command securitymanager is what a reader of the Spotify server's document makes of its API reference: each call of
// the SecurityManager class in its order, with the calls of package auth that README.md names beside them. The walk
// through that document runs it on the accounts of its desktop.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/secret"
)

func main() {
	ctx := context.Background()
	// security = SecurityManager(profile="default"); the profile is named in each call.
	k, err := auth.Open(ctx, auth.Options{Actor: "mytool"})
	if err == nil {
		err = errors.Join(reference(ctx, k, os.Args[1], os.Args[2]), k.Close(ctx))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func reference(ctx context.Context, k *auth.Keeper, name, clientID string) error {
	// SecurityManager.create_profile("work", client_id, client_secret)
	p, err := k.CreateProfile(ctx, auth.NewProfile{Name: name, Provider: "spotify", ClientID: clientID, ClientSecret: "made-up-api-client"})
	if err != nil {
		return err
	}
	fmt.Println("create_profile:", p.Name)
	// SecurityManager.list_profiles()
	names, err := k.Names()
	if err != nil {
		return err
	}
	fmt.Println("list_profiles:", names)

	// save_to_keychain("access_token", token), get_from_keychain("access_token")
	own := k.Secrets().Of(name)
	if err := own.Set(ctx, "access_token", secret.String("made-up-api-single")); err != nil {
		return err
	}
	single, err := own.Get(ctx, "access_token")
	if err != nil {
		return err
	}
	fmt.Println("get_from_keychain:", single, single.Reveal() == "made-up-api-single")

	// save_tokens(access, refresh, expires_at, use_keychain=True), get_tokens()
	err = k.SaveTokens(ctx, name, &oauth2.Token{
		AccessToken: "made-up-api-access-token-of-the-length-of-one", RefreshToken: "made-up-api-refresh-token-of-the-length-of-one",
		TokenType: "Bearer", Expiry: time.Now().Add(time.Hour),
	})
	if err != nil {
		return err
	}
	tokens, err := k.Token(ctx, name, "api")
	if err != nil {
		return err
	}
	fmt.Println("get_tokens:", tokens.Token, tokens.Token.Reveal() == "made-up-api-access-token-of-the-length-of-one")

	// revoke_tokens()
	revoked, err := k.Revoke(ctx, name)
	if err != nil {
		return err
	}
	fmt.Println("revoke_tokens:", revoked.Remote)
	// clear_keychain()
	if _, err := k.Forget(ctx, name); err != nil {
		return err
	}
	_, err = own.Get(ctx, "access_token")
	fmt.Println("clear_keychain:", err)

	// get_audit_log(limit=20), check_security_alerts(); track_token_rotation needs no call.
	log, err := k.Events(ctx, audit.Query{Limit: 20})
	if err != nil {
		return err
	}
	names = nil
	for _, e := range log {
		names = append(names, e.Name)
	}
	fmt.Printf("get_audit_log: %s: %s\n", log[0].Actor, strings.Join(names, " "))
	alerts, err := k.OpenAlerts(ctx)
	fmt.Println("check_security_alerts:", len(alerts))
	return err
}
