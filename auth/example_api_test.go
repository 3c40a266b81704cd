package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/oauth2"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// made is a token that the example's own code has got from the provider.
func made(k example) *oauth2.Token {
	access, err := k.Token(context.Background(), "work", "token")
	if err != nil {
		panic(err)
	}
	t := &oauth2.Token{AccessToken: access.Token.Reveal(), TokenType: access.Type, Expiry: access.Expires}
	return t.WithExtra(map[string]any{"scope": "openid"})
}

// Everything that SecurityManager had, one call after the other.
func Example_securityManager() {
	ctx := context.Background()
	k, leave := newExample(authtest.Rotating) // SecurityManager(profile="work"): auth.Open
	defer leave()
	say := func(what string, err error, found ...any) {
		if err != nil {
			found = []any{err}
		}
		fmt.Println(append([]any{what + ":"}, found...)...)
	}

	p, err := k.CreateProfile(ctx, auth.NewProfile{Name: "work", Provider: "oidc", Issuer: k.server.Issuer(), ClientID: "client"})
	say("create_profile", err, p.Name)
	names, err := k.Names()
	say("list_profiles", err, names)

	who, err := k.Login(ctx, "work", auth.LoginOptions{})
	say("login", err, who.Account)
	say("save_tokens", k.SaveTokens(ctx, "work", made(k)), "kept")
	access, err := k.Token(ctx, "work", "token")
	say("get_tokens", err, access.Token, access.Type)
	token, err := k.TokenSource(ctx, "work").Token()
	say("for an API's client", err, token.TokenType)
	answer, err := k.Client(ctx, "work").Get(k.server.APIURL())
	say("or by ours", err, answer.Status, answer.Body.Close())

	say("save_to_keychain", k.Secrets().Of("work").Set(ctx, "api-key", "s3cret"), "kept")
	value, err := k.Secrets().Of("work").Get(ctx, "api-key")
	say("get_from_keychain", err, value, len(value.Reveal()))
	say("for itself", k.Secrets().Set(ctx, "api-key", "another"), "kept apart")
	say("and no more", k.Secrets().Delete(ctx, "api-key"), "removed")

	rotations, err := k.Events(ctx, audit.Query{Name: audit.TokenRotation})
	say("track_token_rotation", err, len(rotations))
	log, err := k.Events(ctx, audit.Query{Limit: 2})
	say("get_audit_log", err, log[0].Name, log[1].Name)
	alerts, err := k.OpenAlerts(ctx)
	say("check_security_alerts", err, len(alerts))

	revoked, err := k.Revoke(ctx, "work")
	say("revoke_tokens", err, revoked.Title)
	cleared, err := k.Forget(ctx, "work")
	say("clear_keychain", err, cleared.Title)
	_, err = k.Secrets().Of("work").Get(ctx, "api-key")
	fmt.Println("and then:", err)
	// Output:
	// create_profile: work
	// list_profiles: [work]
	// login: Ada Lovelace
	// save_tokens: kept
	// get_tokens: [redacted] Bearer
	// for an API's client: Bearer
	// or by ours: 200 OK <nil>
	// save_to_keychain: kept
	// get_from_keychain: [redacted] 6
	// for itself: kept apart
	// and no more: removed
	// track_token_rotation: 0
	// get_audit_log: secrets_removed keychain_save
	// check_security_alerts: 0
	// revoke_tokens: revoked, not checked
	// clear_keychain: nothing to revoke
	// and then: the secret api-key: no such item
}

// A program of the user's works on the same accounts as the app. Here they are in
// a folder and a vault of the example's own.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "stagedoor-example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name, value := range map[string]string{
		"STAGEDOOR_HOME": filepath.Join(dir, "state"), "STAGEDOOR_VAULT": "file", "STAGEDOOR_KEY_FILE": filepath.Join(dir, "key"),
	} {
		_ = os.Setenv(name, value)
		defer func() { _ = os.Unsetenv(name) }()
	}

	k, err := auth.Open(ctx, auth.Options{Actor: "mytool"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = k.Close(ctx) }()
	ctx = vault.WithWait(ctx, vault.DefaultWait) // there is a user who can unlock the keychain
	if err := k.Secrets().Set(ctx, "signing-key", "s3cret"); err != nil {
		fmt.Println(err)
		return
	}
	events, err := k.Events(ctx, audit.Query{Limit: 1})
	fmt.Println(events[0].Actor, events[0].Name, events[0].Data["item"], err)
	// Output: mytool keychain_save named/signing-key <nil>
}

// Whatever takes an oauth2.TokenSource takes a profile.
func ExampleKeeper_TokenSource() {
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	source := k.TokenSource(context.Background(), "work")
	first, err := source.Token()
	if err != nil {
		fmt.Println(err)
		return
	}
	k.clock.Advance(2 * time.Hour)
	second, err := source.Token()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("another token:", first.AccessToken != second.AccessToken, "- with a refresh token:", second.RefreshToken != "")
	// Output: another token: true - with a refresh token: false
}

func ExampleKeeper_Client() {
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	answer, err := k.Client(context.Background(), "work").Get(k.server.APIURL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body)
	fmt.Println(answer.Status, err)
	// Output: 200 OK <nil>
}

// In place of security.save_tokens(access, refresh, expires_at, use_keychain=True),
// for tokens that a program has got by itself. They have to be of the account that
// the user has accepted, and may do no more than that one.
func ExampleKeeper_SaveTokens() {
	ctx := context.Background()
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	tokens := made(k)
	if err := k.SaveTokens(ctx, "work", tokens); err != nil {
		fmt.Println(err)
		return
	}
	err := k.SaveTokens(ctx, "work", tokens.WithExtra(map[string]any{"scope": "openid admin"}))
	fmt.Println(errors.Is(err, auth.ErrClaimsChanged), err)
	// Output: true work: the login is not the one you accepted: it may also admin
}

// In place of security.clear_keychain(): the grant is revoked, and all secrets of
// the profile leave the keychain. The profile and its history stay.
func ExampleKeeper_Forget() {
	ctx := context.Background()
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	result, err := k.Forget(ctx, "work")
	if err != nil {
		fmt.Println(err)
		return
	}
	names, err := k.Names()
	fmt.Println(result.Remote, names, err)
	// Output: revoked [work] <nil>
}

// In place of security.save_to_keychain(key, value) and
// security.get_from_keychain(key), for secrets that are no account's. Set reads
// back what it wrote, and a keychain that is locked or absent is an error with
// advice: there is no other place that a secret would silently go to.
func ExampleKeeper_Secrets() {
	ctx := context.Background()
	k, leave := newExample(authtest.Static)
	defer leave()
	mine := k.Secrets()
	if err := mine.Set(ctx, "api-key", "s3cret"); err != nil {
		fmt.Println(err)
		return
	}
	value, err := mine.Get(ctx, "api-key")
	fmt.Println(value, len(value.Reveal()), err)
	if err := mine.Delete(ctx, "api-key"); err != nil {
		fmt.Println(err)
		return
	}
	_, err = mine.Get(ctx, "api-key")
	fmt.Println(errors.Is(err, vault.ErrNotFound))
	// Output:
	// [redacted] 6 <nil>
	// true
}
