package auth_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// as opens the state folder as another program does.
func (w *world) as(actor string) *auth.Keeper {
	w.t.Helper()
	params := w.params(&http.Client{})
	params.Actor = actor
	k, err := auth.New(w.t.Context(), params)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// A program's secrets, those of another and those of profiles are apart, and no
// name reaches what is Stagedoor's own.
func TestNamedSecretsHaveNameSpaces(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	p := w.create("work")
	w.create("home")
	w.login("work")
	ctx := t.Context()
	tool, other := w.as("mytool"), w.as("profile/"+p.ID)
	owners := map[string]auth.NamedSecrets{
		"a program": tool.Secrets(), "a program with a sly name": other.Secrets(), "work": tool.Secrets().Of("work"), "home": tool.Secrets().Of("home"),
	}
	before := w.vault.Keys()
	for owner, s := range owners {
		if _, err := s.Get(ctx, "key"); !errors.Is(err, vault.ErrNotFound) {
			t.Errorf("%s, before: %v", owner, err)
		}
		if err := s.Set(ctx, "key", secret.String("of "+owner)); err != nil {
			t.Fatalf("%s: %v", owner, err)
		}
	}
	for owner, s := range owners {
		if got, err := s.Get(ctx, "key"); err != nil || got.Reveal() != "of "+owner {
			t.Errorf("%s has another's secret: %v", owner, err)
		}
		for _, name := range []string{"profile/" + p.ID + "/tokens", "../tokens", "tokens", "audit/book"} {
			if _, err := s.Get(ctx, name); !errors.Is(err, vault.ErrNotFound) {
				t.Errorf("%s reads %s: %v", owner, name, err)
			}
			if err := s.Set(ctx, name, "other"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	w.token(w.keeper, "work") // nothing of it was overwritten
	for _, key := range w.vault.Keys() {
		if !slices.Contains(before, key) && !strings.HasPrefix(key, "named/") {
			t.Errorf("the vault has a new item %s", key)
		}
	}
	for _, bad := range []string{"", "a b", "a\nb", strings.Repeat("x", 65), "ключ"} {
		if err := owners["work"].Set(ctx, bad, "x"); !errors.Is(err, auth.ErrUsage) || hint.Of(err) == "" {
			t.Errorf("the name %q: %v", bad, err)
		}
	}
	if err := owners["work"].Set(ctx, "key", ""); !errors.Is(err, auth.ErrUsage) {
		t.Errorf("an empty secret: %v", err)
	}
}

// What a program keeps is on the log by its name, and not with its value.
func TestNamedSecretsAreOnTheLog(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	ctx := t.Context()
	s := w.as("mytool").Secrets().Of("work")
	if err := errors.Join(s.Set(ctx, "api-key", "made-up-value"), s.Delete(ctx, "api-key"), s.Delete(ctx, "api-key")); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(ctx, "api-key", "made-up-value"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, "api-key"); err != nil {
		t.Fatal(err)
	}
	w.vault.Fail(vault.ErrLocked)
	if _, err := s.Get(ctx, "api-key"); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("with a locked vault: %v", err)
	}
	w.vault.Fail(nil)
	events, err := w.keeper.Events(ctx, audit.Query{Text: "item=named/api-key"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, e.Actor+" "+e.Name+" "+e.Outcome)
		if e.Data["name"] != "work" {
			t.Errorf("%s names no profile", e.Name)
		}
	}
	want := []string{"mytool keychain_access ok", "mytool keychain_save ok", "mytool secrets_removed ok", "mytool keychain_save ok"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if strings.Contains(strings.Join(w.lines(), ""), "made-up-value") {
		t.Error("the value is on the log")
	}
}

// Programs that keep secrets at the same time lose none of each other's.
func TestNamedSecretsOfManyAtOnce(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	var group sync.WaitGroup
	names := strings.Split("abcdefgh", "")
	for _, name := range names {
		group.Go(func() {
			if err := w.as("mytool").Secrets().Of("work").Set(t.Context(), name, secret.String("of "+name)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, name := range names {
		if got, err := w.keeper.Secrets().Of("work").Get(t.Context(), name); err != nil || got.Reveal() != "of "+name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A keychain that lost a part of the secrets does not keep new ones from being kept.
func TestNamedSecretsBeginAnew(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	ctx, mine := t.Context(), w.keeper.Secrets()
	if err := w.vault.Set(ctx, "named/program/test", "{"); err != nil {
		t.Fatal(err)
	}
	if _, err := mine.Get(ctx, "key"); !errors.Is(err, vault.ErrIncomplete) {
		t.Errorf("%v", err)
	}
	const binary = "\x00\xff\n\"" // a key need not be text
	if err := mine.Set(ctx, "key", binary); err != nil {
		t.Fatal(err)
	}
	if got, err := mine.Get(ctx, "key"); err != nil || got.Reveal() != binary {
		t.Errorf("%v", err)
	}
	w.vault.Fail(vault.ErrLocked)
	if err := mine.Set(ctx, "other", "x"); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("with a locked vault: %v", err)
	}
	w.vault.Fail(nil)
	if got, err := mine.Get(ctx, "key"); err != nil || got.Reveal() != binary {
		t.Errorf("afterwards: %v", err)
	}
}

// Forget leaves nothing of a profile that opens anything, and the profile itself.
func TestForgetLeavesTheProfileOnly(t *testing.T) {
	w := newWorld(t, authtest.Params{
		Rotation: authtest.Rotating, Consent: true, Clients: []authtest.Client{{ID: "client", Secret: "the-secret"}},
		Accounts: []authtest.Account{{Subject: "ada", Name: "Ada Lovelace"}, {Subject: "grace", Name: "Grace Hopper"}},
	})
	p, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: w.server.Issuer(), ClientID: "client", ClientSecret: "the-secret"})
	if err != nil {
		t.Fatal(err)
	}
	w.login("work")
	if err := w.keeper.Secrets().Of("work").Set(t.Context(), "api-key", "x"); err != nil {
		t.Fatal(err)
	}
	if err := w.keeper.Secrets().Set(t.Context(), "mine", "x"); err != nil {
		t.Fatal(err)
	}
	r, err := w.keeper.Forget(t.Context(), "work")
	if err != nil || r.Remote != token.Revoked || !r.Settled() {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, key := range w.vault.Keys() {
		if strings.Contains(key, p.ID) && !strings.HasSuffix(key, "/accepted") {
			t.Errorf("the vault still has %s", key)
		}
	}
	if _, err := w.keeper.Secrets().Get(t.Context(), "mine"); err != nil {
		t.Errorf("a secret of the program's own: %v", err)
	}
	if v := w.view("work"); v.Status != auth.StatusNotConfigured || v.ID != p.ID {
		t.Errorf("the profile is %+v", v)
	}
	if last := w.only(audit.SecretsRemoved); last.Data["item"] != "all" || last.Profile != p.ID {
		t.Errorf("on the log: %+v", last)
	}
	if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err == nil || !strings.Contains(hint.Of(err), "stagedoor secret set work") {
		t.Errorf("a login without the secret: %v (hint %q)", err, hint.Of(err))
	}
	if _, err := w.keeper.SetClientSecret(t.Context(), "work", auth.NewSecret{Value: "the-secret"}); err != nil {
		t.Fatal(err)
	}
	w.browser.Account = "grace"
	if r := w.login("work"); r.Blocked != "another account" {
		t.Errorf("a login of another account passes for the first one: %+v", r)
	}
}

// A provider that does not answer keeps no secret here but the one to ask with.
func TestForgetSaysWhatIsStillOpen(t *testing.T) {
	w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
	p := w.create("work")
	w.login("work")
	w.server.Script(authtest.Revocation, authtest.Answer{Status: 503})
	r, err := w.keeper.Forget(t.Context(), "work")
	if err != nil || !r.Open || !r.Pending || r.Remote != token.Unreachable {
		t.Errorf("%+v, %v", r, err)
	}
	if slices.Contains(w.vault.Keys(), "profile/"+p.ID+"/tokens") {
		t.Error("the tokens are still there")
	}
}

// A deleted profile leaves no named secret behind.
func TestDeletedProfileTakesItsNamedSecretsAlong(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	w.create("work")
	if err := w.keeper.Secrets().Of("work").Set(t.Context(), "api-key", "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.keeper.DeleteProfile(t.Context(), "work"); err != nil {
		t.Fatal(err)
	}
	for _, key := range w.vault.Keys() {
		if strings.HasPrefix(key, "named/") || strings.HasPrefix(key, "profile/") {
			t.Errorf("the vault still has %s", key)
		}
	}
}
