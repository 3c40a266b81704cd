package auth_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// ownFolder gives Open a state folder and a file vault of the test's own.
func ownFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("STAGEDOOR_HOME", filepath.Join(dir, "state"))
	t.Setenv("STAGEDOOR_VAULT", "file")
	t.Setenv("STAGEDOOR_KEY_FILE", filepath.Join(dir, "key"))
	t.Setenv("STAGEDOOR_PASSPHRASE_FILE", "")
	return dir
}

// Another program works on the accounts that the app has, is named in the log, and
// does not decide how much of the log is kept.
func TestOpenIsTheAppsOwnFolder(t *testing.T) {
	dir := ownFolder(t)
	for _, o := range []auth.Options{{Actor: "mytool"}, {}} {
		k, err := auth.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		names, err := k.Names()
		if err != nil || len(names) > 0 && names[0] != "work" {
			t.Fatalf("profiles: %v, %v", names, err)
		}
		if len(names) == 0 {
			_, err = k.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "spotify", ClientID: "0123abcd"})
		} else {
			err = k.Rename(t.Context(), "work", "home")
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	k, err := auth.Open(t.Context(), auth.Options{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := k.Events(t.Context(), audit.Query{Text: "profile_"})
	if err != nil || len(events) != 2 || events[1].Actor != "mytool" {
		t.Fatalf("%+v, %v", events, err)
	}
	program, _, _ := strings.Cut(filepath.Base(os.Args[0]), ".")
	if got := events[0].Actor; got != program || got == "" {
		t.Errorf("a program that gives no name is %q in the log, want %q", got, program)
	}
	if _, err := os.Stat(filepath.Join(dir, "state", "profiles.json")); err != nil {
		t.Error(err)
	}
}

func TestOpenSaysWhatIsWrongWithTheEnvironment(t *testing.T) {
	for name, value := range map[string]string{"STAGEDOOR_HOME": "door", "STAGEDOOR_VAULT": "drawer", "STAGEDOOR_KEY_FILE": ""} {
		t.Run(name, func(t *testing.T) {
			ownFolder(t)
			t.Setenv(name, value)
			if _, err := auth.Open(t.Context(), auth.Options{}); err == nil || hint.Of(err) == "" {
				t.Errorf("%v, want an error with a hint", err)
			}
		})
	}
}
