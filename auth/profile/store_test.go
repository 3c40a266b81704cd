package profile_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

func newStore(t *testing.T) (*profile.Store, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "locks"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := profile.NewStore(profile.Params{Dir: dir, Now: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func create(t *testing.T, s *profile.Store, name, provider string) profile.Profile {
	t.Helper()
	p, err := s.Create(context.Background(), profile.Profile{Name: name, Provider: provider, ClientID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func load(t *testing.T, s *profile.Store) profile.List {
	t.Helper()
	l, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestNames(t *testing.T) {
	for _, good := range []string{"a", "work", "dev-2", "0", "a_b", strings.Repeat("x", 64)} {
		if err := profile.CheckName(good); err != nil {
			t.Errorf("CheckName(%q): %v", good, err)
		}
	}
	for _, bad := range []string{"", "Work", "-x", "_x", "a b", "a/b", "..", "é", "a\n", strings.Repeat("x", 65)} {
		if err := profile.CheckName(bad); err == nil {
			t.Errorf("CheckName(%q) allows it", bad)
		} else if hint.Of(err) == "" {
			t.Errorf("CheckName(%q) does not say what is allowed", bad)
		}
	}
}

// A renamed profile must keep its id: its tokens and its history hang on it.
func TestRenameKeepsTheID(t *testing.T) {
	s, _ := newStore(t)
	p := create(t, s, "work", "spotify")
	if _, err := s.Rename(context.Background(), "work", "office"); err != nil {
		t.Fatal(err)
	}
	l := load(t, s)
	got, err := l.Find("office")
	if err != nil || got.ID != p.ID || l.Active != p.ID {
		t.Fatalf("after the rename: %+v, %v, active %q; want id %s, still active", got, err, l.Active, p.ID)
	}
	if _, err := l.Find("work"); !errors.Is(err, profile.ErrNotFound) {
		t.Fatalf("the old name is still there: %v", err)
	}
}

func TestNameTaken(t *testing.T) {
	s, _ := newStore(t)
	create(t, s, "work", "spotify")
	create(t, s, "home", "spotify")
	if _, err := s.Create(context.Background(), profile.Profile{Name: "work"}); !errors.Is(err, profile.ErrExists) {
		t.Errorf("second create: %v, want ErrExists", err)
	}
	if _, err := s.Rename(context.Background(), "home", "work"); !errors.Is(err, profile.ErrExists) {
		t.Errorf("rename onto another: %v, want ErrExists", err)
	}
	if diff := cmp.Diff([]string{"home", "work"}, load(t, s).Names()); diff != "" {
		t.Error(diff)
	}
}

// What is written must be readable, else one entry too many takes all of them.
func TestAListThatGetsTooLongIsNotWritten(t *testing.T) {
	s, _ := newStore(t)
	create(t, s, "work", "spotify")
	_, err := s.Create(t.Context(), profile.Profile{Name: "huge", Provider: "spotify", ClientID: strings.Repeat("x", 9<<20)})
	if !errors.Is(err, durable.ErrTooLarge) || hint.Of(err) == "" {
		t.Errorf("create: %v", err)
	}
	if l := load(t, s); len(l.Profiles) != 1 {
		t.Errorf("%d profiles are left", len(l.Profiles))
	}
}

// Silently selecting another account would hand its tokens to whatever asks
// next.
func TestDeleteOfTheActiveOneSelectsNoOther(t *testing.T) {
	s, _ := newStore(t)
	p := create(t, s, "work", "spotify")
	create(t, s, "home", "spotify")
	if err := s.Delete(context.Background(), p.ID); err != nil {
		t.Fatal(err)
	}
	l := load(t, s)
	if _, err := l.ActiveProfile(); !errors.Is(err, profile.ErrNoneActive) {
		t.Errorf("active after delete: %v, want ErrNoneActive", err)
	}
	if _, err := l.For("spotify"); err == nil {
		t.Error("a Spotify server still finds a profile nobody selected")
	}
}

// One user has a Spotify and a TIDAL server in Claude at once; switching the
// tray to TIDAL must neither stop the Spotify server nor give it TIDAL's token.
func TestEachServiceFollowsItsOwnSelection(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	work := create(t, s, "work", "spotify")
	home := create(t, s, "home", "spotify")
	hifi := create(t, s, "hifi", "tidal")
	want := func(service, id string) {
		t.Helper()
		if p, err := load(t, s).For(service); err != nil || p.ID != id {
			t.Errorf("For(%s) = %s, %v; want %s", service, p.Name, err, id)
		}
	}
	want("spotify", work.ID)
	if _, err := s.Use(ctx, "hifi"); err != nil {
		t.Fatal(err)
	}
	want("spotify", work.ID)
	want("tidal", hifi.ID)
	if _, err := s.Use(ctx, "home"); err != nil {
		t.Fatal(err)
	}
	want("spotify", home.ID)
	want("tidal", hifi.ID)
}

// The entry that setup writes for a profile starts with that profile's token,
// also where a token endpoint ends in a slash.
func TestAServiceIsFoundByTheNameItHas(t *testing.T) {
	s, _ := newStore(t)
	for _, p := range []profile.Profile{
		{Name: "issuer", Provider: "oidc", Issuer: "https://id.example.com/"},
		{Name: "bare", Provider: "oauth2", Endpoints: &profile.Endpoints{Token: "https://id.example.com/token"}},
		{Name: "slash", Provider: "oauth2", Endpoints: &profile.Endpoints{Token: "https://id.example.com/token/"}},
	} {
		p.ClientID = "client"
		made, err := s.Create(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Use(t.Context(), p.Name); err != nil {
			t.Fatal(err)
		}
		names := []string{made.Service()}
		if p.Issuer != "" {
			names = append(names, p.Issuer)
		}
		for _, name := range names {
			if got, err := load(t, s).For(name); err != nil || got.ID != made.ID {
				t.Errorf("%s: %q, %v", name, got.Name, err)
			}
		}
	}
}

// A file that a newer version or an editor left must never be overwritten.
func TestFilesItCannotReadStayAsTheyAre(t *testing.T) {
	for name, content := range map[string]string{
		"newer":     `{"version": 99, "profiles": []}`,
		"damaged":   "{\n \"version\": 1,\n oops",
		"truncated": `{"version": 1, "profiles": [{"id": "a"`,
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newStore(t)
			path := filepath.Join(dir, "profiles.json")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := s.Create(context.Background(), profile.Profile{Name: "work"})
			if err == nil || hint.Of(err) == "" {
				t.Errorf("create over it: %v, want an error with a hint", err)
			}
			after, readErr := os.ReadFile(path)
			if readErr != nil || string(after) != content {
				t.Errorf("the file was changed to %q (%v)", after, readErr)
			}
		})
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	s, dir := newStore(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := s.Create(context.Background(), profile.Profile{Name: fmt.Sprintf("p%d", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(load(t, s).Profiles); n != 20 {
		t.Errorf("%d profiles after 20 concurrent creates", n)
	}
	if info, err := os.Stat(filepath.Join(dir, "profiles.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("profiles.json: %v, %v; want mode 0600", info.Mode(), err)
	}
}
