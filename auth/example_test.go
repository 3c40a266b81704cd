package auth_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/importer"
)

// example is what the examples have around a Keeper: a provider that plays its
// part on this machine, a vault in memory and a clock that is set by hand. A
// program has what auth.Open finds.
type example struct {
	*auth.Keeper
	server *authtest.Server
	clock  *authtest.Clock
	dir    string
}

func newExample(rotation authtest.Rotation) (example, func()) {
	clock := authtest.NewClock()
	server, err := authtest.NewServer(authtest.Params{
		Rotation: rotation, Now: clock.Now, Accounts: []authtest.Account{{Subject: "ada", Name: "Ada Lovelace"}},
	})
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "stagedoor-example")
	if err != nil {
		panic(err)
	}
	browser := &authtest.Browser{}
	keeper, err := auth.New(context.Background(), auth.Params{
		Dir: filepath.Join(dir, "state"), Vault: &authtest.Vault{}, HTTP: &http.Client{}, Browser: browser.Open,
		Now: clock.Now, Rand: rand.Reader, Actor: "example", PID: os.Getpid(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	return example{keeper, server, clock, dir}, func() {
		_ = keeper.Close(context.Background())
		_ = server.Close()
		_ = os.RemoveAll(dir)
	}
}

// signedIn is an example with a profile that has a login.
func signedIn(rotation authtest.Rotation) (example, func()) {
	k, leave := newExample(rotation)
	_, err := k.CreateProfile(context.Background(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: k.server.Issuer(), ClientID: "client"})
	if err != nil {
		panic(err)
	}
	if _, err := k.Login(context.Background(), "work", auth.LoginOptions{}); err != nil {
		panic(err)
	}
	return k, leave
}

// A Keeper is what SecurityManager(profile="work") was, for all profiles at
// once: it is made on a state folder, and the profile is named in each call.
func Example() {
	ctx := context.Background()
	k, leave := newExample(authtest.Rotating) // in a program: auth.Open
	defer leave()

	_, err := k.CreateProfile(ctx, auth.NewProfile{Name: "work", Provider: "oidc", Issuer: k.server.Issuer(), ClientID: "client"})
	if err != nil {
		fmt.Println(err)
		return
	}
	who, err := k.Login(ctx, "work", auth.LoginOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	access, err := k.Token(ctx, "work", "token")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(who.Account, "has a", access.Type, "token:", access.Token)
	// Output: Ada Lovelace has a Bearer token: [redacted]
}

// In place of SecurityManager.create_profile("work", client_id, client_secret).
// The client secret goes into the keychain and into no file.
func ExampleKeeper_CreateProfile() {
	k, leave := newExample(authtest.Static)
	defer leave()
	p, err := k.CreateProfile(context.Background(), auth.NewProfile{
		Name: "work", Provider: "spotify", ClientID: "0123abcd", ClientSecret: "the client secret",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("created", p.Name, "- register", auth.RedirectURI(p))
	// Output: created work - register http://127.0.0.1/callback
}

// In place of SecurityManager.list_profiles(), with the state of each login.
func ExampleKeeper_State() {
	ctx := context.Background()
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	if _, err := k.CreateProfile(ctx, auth.NewProfile{Name: "personal", Provider: "spotify", ClientID: "0123abcd"}); err != nil {
		fmt.Println(err)
		return
	}
	state, err := k.State(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range state.Profiles {
		fmt.Printf("%s: %s, %s\n", p.Name, p.Provider, p.Status)
	}
	// Output:
	// personal: spotify, not configured
	// work: oidc, active
}

// A login saves what it got, reads it back from the keychain and tells the log.
// Nobody has the tokens in hand in between.
func ExampleKeeper_Login() {
	ctx := context.Background()
	k, leave := newExample(authtest.Rotating)
	defer leave()
	_, err := k.CreateProfile(ctx, auth.NewProfile{Name: "work", Provider: "oidc", Issuer: k.server.Issuer(), ClientID: "client"})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := k.Login(ctx, "work", auth.LoginOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	saved, err := k.Events(ctx, audit.Query{Name: audit.TokensSaved})
	fmt.Println("signed in as", result.Account)
	fmt.Println(len(saved), "time saved, in the", saved[0].Data["storage"], err)
	// Output:
	// signed in as Ada Lovelace
	// 1 time saved, in the keychain <nil>
}

// Tokens that another program left in a file: Import moves them
// from there into the keychain and leaves the marker there that the old
// server knows.
func ExampleKeeper_Import() {
	k, leave := newExample(authtest.Static)
	defer leave()
	file := filepath.Join(k.dir, ".env")
	err := os.WriteFile(file, []byte("SPOTIFY_CLIENT_ID=0123abcd\nSPOTIFY_CLIENT_SECRET=s3cret\nSPOTIFY_REFRESH_TOKEN=AQC9\n"), 0o600)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := k.Import(context.Background(), importer.Request{Path: file})
	if err != nil {
		fmt.Println(err)
		return
	}
	login := report.Files[0].Logins[0]
	left, _ := os.ReadFile(file)
	fmt.Printf("%s: %s, %s\n%s", login.Profile, login.Action, login.Status, left)
	// Output:
	// default: created, active
	// SPOTIFY_CLIENT_ID=0123abcd
	// SPOTIFY_USE_KEYCHAIN=true
}

// In place of security.get_tokens(). The token is always fresh: it is renewed
// when it is about to end, once, however many processes ask. The refresh token
// stays where it is.
func ExampleKeeper_Token() {
	ctx := context.Background()
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	k.clock.Advance(2 * time.Hour) // the token of the login has ended
	access, err := k.Token(ctx, "work", "token")
	switch {
	case errors.Is(err, auth.ErrLoginNeeded):
		fmt.Println("sign in again")
		return
	case err != nil:
		fmt.Println(err)
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.server.APIURL(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", access.Type+" "+access.Token.Reveal())
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	fmt.Println(answer.Status, "- good for", access.Expires.Sub(k.clock.Now()).Round(time.Minute))
	// Output: 200 OK - good for 1h0m0s
}

// In place of security.revoke_tokens(): the grant is taken back at the provider
// where that is possible, and the answer says how that went. The tokens here
// are gone in any case.
func ExampleKeeper_Revoke() {
	ctx := context.Background()
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	result, err := k.Revoke(ctx, "work")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = k.Token(ctx, "work", "token")
	fmt.Println(result.Remote)
	fmt.Println("login needed:", errors.Is(err, auth.ErrLoginNeeded))
	// Output:
	// revoked
	// login needed: true
}

// The grant is revoked, all secrets leave the keychain, and the profile goes too.
// Only the history stays.
func ExampleKeeper_DeleteProfile() {
	ctx := context.Background()
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	result, err := k.DeleteProfile(ctx, "work")
	if err != nil {
		fmt.Println(err)
		return
	}
	names, err := k.Names()
	fmt.Println(result.Remote, len(names), err)
	// Output: revoked 0 <nil>
}

// In place of security.get_audit_log(limit=2); newest first.
func ExampleKeeper_Events() {
	ctx := context.Background()
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	if _, err := k.Token(ctx, "work", "token"); err != nil {
		fmt.Println(err)
		return
	}
	events, err := k.Events(ctx, audit.Query{Limit: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range events {
		fmt.Println(e.Name, e.Data["name"], e.Outcome)
	}
	report, err := k.VerifyLog(ctx, nil)
	fmt.Println("nobody changed it:", report.OK, err)
	// Output:
	// keychain_access work ok
	// login_succeeded work ok
	// nobody changed it: true <nil>
}

// In place of security.track_token_rotation(old, new), which nobody calls any
// more: every refresh notes it. The log has keyed fingerprints of the two
// tokens, and not their last characters.
func ExampleKeeper_Events_rotation() {
	ctx := context.Background()
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	k.clock.Advance(2 * time.Hour)
	if _, err := k.Token(ctx, "work", "token"); err != nil {
		fmt.Println(err)
		return
	}
	rotations, err := k.Events(ctx, audit.Query{Name: audit.TokenRotation})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range rotations {
		before, now := e.Data["old"].(string), e.Data["new"].(string)
		fmt.Println("rotated:", before != now, len(before), len(now))
	}
	// Output: rotated: true 16 16
}

// In place of security.check_security_alerts(). Alerts follow from the log;
// whoever has seen one acknowledges it.
func ExampleKeeper_OpenAlerts() {
	ctx := context.Background()
	k, leave := signedIn(authtest.Rotating)
	defer leave()
	k.server.RevokeAll() // the user removed the app at the provider
	k.clock.Advance(2 * time.Hour)
	if _, err := k.Token(ctx, "work", "token"); !errors.Is(err, auth.ErrLoginNeeded) {
		fmt.Println(err)
		return
	}
	alerts, err := k.OpenAlerts(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range alerts {
		fmt.Println(a.Severity, a.Message)
		if err := k.AckAlert(ctx, a.ID, "that was me"); err != nil {
			fmt.Println(err)
		}
	}
	alerts, err = k.OpenAlerts(ctx)
	fmt.Println(len(alerts), err)
	// Output:
	// P2 work: the provider has ended the login: sign in again. A password change, a removal there or a long pause does that; if it was none of these, somebody else may have used the login
	// 0 <nil>
}
