package contract

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// NewKeeper returns a real keeper on a throwaway folder with the two profiles,
// at an authorization server that signs in whoever comes.
func NewKeeper(t *testing.T) *auth.Keeper {
	t.Helper()
	server, err := authtest.NewServer(authtest.Params{Rotation: authtest.Rotating, TTL: time.Hour, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	k, err := auth.New(t.Context(), auth.Params{
		Dir: t.TempDir(), Vault: &authtest.Vault{}, HTTP: &http.Client{}, Browser: (&authtest.Browser{}).Open,
		Now: time.Now, Rand: rand.Reader, Actor: "test", PID: os.Getpid(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close(context.Background()) })
	for _, name := range []string{First, Second} {
		if _, err := k.CreateProfile(t.Context(), auth.NewProfile{Name: name, Provider: "oidc", Issuer: server.Issuer(), ClientID: "client"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Use(t.Context(), First); err != nil {
		t.Fatal(err)
	}
	return k
}
