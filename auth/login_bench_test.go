package auth_test

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/provider"
)

// BenchmarkLogin is a login's own work: the provider and the user answer at once.
func BenchmarkLogin(b *testing.B) {
	row, err := provider.Lookup("gitlab")
	if err == nil {
		row, err = row.With("")
	}
	if err != nil {
		b.Fatal(err)
	}
	p := &scripted{t: b, row: row, shape: shapes["gitlab"]}
	k, err := auth.New(b.Context(), auth.Params{
		Dir: b.TempDir(), Vault: &authtest.Vault{}, HTTP: &http.Client{Transport: p}, Browser: p.open,
		Now: time.Now, Rand: rand.Reader, Actor: "test", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := k.CreateProfile(b.Context(), auth.NewProfile{Name: "work", Provider: "gitlab", ClientID: "client"}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Login(b.Context(), "work", auth.LoginOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
