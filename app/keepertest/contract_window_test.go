package keepertest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/token"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// windows is what the windows ask of a keeper besides.
type windows interface {
	accounts
	CreateProfile(ctx context.Context, p auth.NewProfile) (profile.Profile, error)
	Providers() ([]provider.Provider, []error)
	Rename(ctx context.Context, from, to string) error
	DeleteProfile(ctx context.Context, name string) (auth.RevokeResult, error)
	AcceptIdentity(ctx context.Context, name string) (string, error)
	KeepUntilLogout(ctx context.Context, name string, on bool) error
	ProfileNames(ctx context.Context) (map[string]string, error)
	PastProfiles(ctx context.Context) ([]auth.PastProfile, error)
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
	VerifyLog(ctx context.Context, progress func(done, total int64)) (verify.Report, error)
	VerifyIncremental(ctx context.Context) (verify.Report, error)
	Alerts(ctx context.Context) ([]alert.Alert, error)
	AckAlert(ctx context.Context, id, note string) error
}

// testWindows tests what the windows rely on beyond testAccounts.
func testWindows[K windows](t *testing.T, start func(t *testing.T) K) {
	t.Helper()
	names := func(t *testing.T, k K) []string {
		t.Helper()
		byID, err := k.ProfileNames(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, name := range byID {
			list = append(list, name)
		}
		slices.Sort(list)
		return list
	}

	t.Run("where nothing is forgotten at logout it is neither offered nor done", func(t *testing.T) {
		k := start(t)
		err := k.KeepUntilLogout(t.Context(), first, true)
		s, failed := k.State(t.Context())
		if failed != nil || s.CanForget || !errors.Is(err, vault.ErrNoMemory) || s.Profiles[0].Vault == string(vault.Memory) {
			t.Errorf("%v, %v, %+v", err, failed, s)
		}
		if err := k.KeepUntilLogout(t.Context(), first, false); err != nil {
			t.Errorf("it is so already: %v", err)
		}
	})
	t.Run("a profile that is created is listed by its id", func(t *testing.T) {
		k := start(t)
		p, err := k.CreateProfile(t.Context(), auth.NewProfile{Name: "third", Provider: "spotify", ClientID: "0123456789abcdef0123456789abcdef"})
		if err != nil {
			t.Fatal(err)
		}
		byID, err := k.ProfileNames(t.Context())
		if err != nil || p.Name != "third" || byID[p.ID] != "third" {
			t.Errorf("%+v, %v, %v", p, byID, err)
		}
	})
	t.Run("a name that is taken or makes no sense is refused", func(t *testing.T) {
		k := start(t)
		n := auth.NewProfile{Name: first, Provider: "spotify", ClientID: "0123456789abcdef0123456789abcdef"}
		if _, err := k.CreateProfile(t.Context(), n); !errors.Is(err, profile.ErrExists) {
			t.Errorf("create: %v", err)
		}
		if n.Name = "../x"; true {
			if _, err := k.CreateProfile(t.Context(), n); err == nil {
				t.Error("a name with a path in it was taken")
			}
		}
		if err := k.Rename(t.Context(), first, second); !errors.Is(err, profile.ErrExists) {
			t.Errorf("rename: %v", err)
		}
		if got := names(t, k); !slices.Equal(got, []string{first, second}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("renaming keeps the id", func(t *testing.T) {
		k := start(t)
		before, err := k.ProfileNames(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Rename(t.Context(), second, "office"); err != nil {
			t.Fatal(err)
		}
		after, err := k.ProfileNames(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for id, name := range before {
			if name == second && after[id] != "office" || name == first && after[id] != first {
				t.Errorf("%v, then %v", before, after)
			}
		}
	})
	t.Run("a deleted profile is gone", func(t *testing.T) {
		k := start(t)
		if _, err := k.Login(t.Context(), second, auth.LoginOptions{}); err != nil {
			t.Fatal(err)
		}
		r, err := k.DeleteProfile(t.Context(), second)
		if err != nil || r.Remote != token.Revoked {
			t.Errorf("%+v, %v", r, err)
		}
		if got := names(t, k); !slices.Equal(got, []string{first}) {
			t.Errorf("%q", got)
		}
		past, err := k.PastProfiles(t.Context())
		was := slices.IndexFunc(past, func(p auth.PastProfile) bool { return slices.Contains(p.Names, second) })
		if err != nil || len(past) != 2 || was < 0 || past[was].Exists {
			t.Errorf("its history is not found: %+v, %v", past, err)
		}
	})
	t.Run("what is not there cannot be changed", func(t *testing.T) {
		k := start(t)
		if err := k.Rename(t.Context(), "nobody", "somebody"); !errors.Is(err, profile.ErrNotFound) {
			t.Errorf("rename: %v", err)
		}
		if _, err := k.DeleteProfile(t.Context(), "nobody"); !errors.Is(err, profile.ErrNotFound) {
			t.Errorf("delete: %v", err)
		}
		if _, err := k.AcceptIdentity(t.Context(), "nobody"); !errors.Is(err, profile.ErrNotFound) {
			t.Errorf("accept: %v", err)
		}
		if err := k.AckAlert(t.Context(), "no-1", ""); err == nil {
			t.Error("an alert that is not there was acknowledged")
		}
	})
	t.Run("accepting what did not change says nothing", func(t *testing.T) {
		k := start(t)
		if words, err := k.AcceptIdentity(t.Context(), first); words != "" || err != nil {
			t.Errorf("%q, %v", words, err)
		}
	})
	t.Run("the log is read newest first, filtered and in pages", func(t *testing.T) {
		k := start(t)
		for _, name := range []string{second, first, second} {
			if err := k.Use(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		all, err := k.Events(t.Context(), audit.Query{Name: audit.ProfileUsed})
		if err != nil || len(all) < 3 {
			t.Fatalf("%d events, %v", len(all), err)
		}
		if !slices.IsSortedFunc(all, func(a, b audit.Event) int { return int(b.Seq) - int(a.Seq) }) {
			t.Error("not newest first")
		}
		for name, q := range map[string]audit.Query{
			"a page":       {Name: audit.ProfileUsed, Limit: 1},
			"what follows": {Name: audit.ProfileUsed, Before: all[0].Seq, Limit: 1},
		} {
			page, err := k.Events(t.Context(), q)
			want := all[0].Seq
			if q.Before > 0 {
				want = all[1].Seq
			}
			if err != nil || len(page) != 1 || page[0].Seq != want {
				t.Errorf("%s: %+v, %v", name, page, err)
			}
		}
		mine, err := k.Events(t.Context(), audit.Query{Profile: all[0].Profile, Name: audit.ProfileUsed})
		if err != nil || len(mine) == 0 || slices.ContainsFunc(mine, func(e audit.Event) bool { return e.Profile != all[0].Profile }) {
			t.Errorf("by profile: %+v, %v", mine, err)
		}
		later, err := k.Events(t.Context(), audit.Query{Since: all[0].Time.AddDate(1, 0, 0)})
		if err != nil || len(later) != 0 {
			t.Errorf("from the future: %+v, %v", later, err)
		}
		none, err := k.Events(t.Context(), audit.Query{Text: "a word that no event has"})
		if err != nil || len(none) != 0 {
			t.Errorf("by text: %+v, %v", none, err)
		}
	})
	t.Run("a sound log verifies, with or without somebody to tell how far", func(t *testing.T) {
		k := start(t)
		if err := k.Use(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		if r, err := k.VerifyLog(t.Context(), nil); err != nil || r.Problem != nil {
			t.Errorf("%+v, %v", r, err)
		}
		var last, of int64
		if _, err := k.VerifyLog(t.Context(), func(done, total int64) { last, of = done, total }); err != nil || last == 0 || last != of {
			t.Errorf("progress ended at %d of %d, %v", last, of, err)
		}
		if r, err := k.VerifyIncremental(t.Context()); err != nil || r.Problem != nil {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
