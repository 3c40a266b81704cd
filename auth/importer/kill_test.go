package importer_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// childEnv tells a child process, which is this test binary, its folder and the
// call of the vault at which it is killed.
const childEnv = "STAGEDOOR_IMPORT_TEST_CHILD"

// diskVault is a vault that outlives its process, and may end it.
type diskVault struct {
	path string
	left int // calls until the kill; 0 means never
}

func (v *diskVault) step() {
	if v.left--; v.left == 0 {
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {} // the signal is on its way
	}
}

func (v *diskVault) items() map[string]string {
	items := map[string]string{}
	if data, err := os.ReadFile(v.path); err == nil {
		_ = json.Unmarshal(data, &items)
	}
	return items
}

func (v *diskVault) Get(_ context.Context, key string) (secret.String, error) {
	v.step()
	if value, ok := v.items()[key]; ok {
		return secret.String(value), nil
	}
	return "", vault.ErrNotFound
}

func (v *diskVault) save(change func(map[string]string)) error {
	v.step()
	items := v.items()
	change(items)
	data, err := json.Marshal(items)
	if err != nil {
		return err
	}
	err = durable.WriteFile(v.path, data, durable.FileMode)
	v.step()
	return err
}

func (v *diskVault) SetUnread(ctx context.Context, key string, value secret.String) error {
	return v.Set(ctx, key, value)
}

func (v *diskVault) Set(_ context.Context, key string, value secret.String) error {
	return v.save(func(items map[string]string) { items[key] = value.Reveal() })
}

func (v *diskVault) Delete(_ context.Context, key string) error {
	return v.save(func(items map[string]string) { delete(items, key) })
}

func (v *diskVault) Kind() vault.Kind { return vault.Keychain }

func keeperOn(dir string, killAt int) (*auth.Keeper, error) {
	return auth.New(context.Background(), auth.Params{
		Dir: filepath.Join(dir, "state"), Vault: &diskVault{filepath.Join(dir, "vault.json"), killAt}, HTTP: &http.Client{},
		Now: time.Now, Rand: rand.Reader, Actor: "test", PID: os.Getpid(), Log: slog.New(slog.DiscardHandler),
	})
}

// TestChildProcess is the child.
func TestChildProcess(t *testing.T) {
	dir, at, ok := strings.Cut(os.Getenv(childEnv), "\n")
	if !ok {
		t.Skip("runs as a child of other tests")
	}
	n, _ := strconv.Atoi(at)
	k, err := keeperOn(dir, n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Import(t.Context(), importer.Request{Path: filepath.Join(dir, "old")}); err != nil {
		t.Fatal(err)
	}
}

// Killed at any step, an import has lost no login and left no secret lying
// about; run again it is completed, and undoing it brings back every byte.
func TestImportKilledAtEveryStep(t *testing.T) {
	files := map[string]string{
		".env":   "SPOTIFY_CLIENT_ID=0123abcd\nSPOTIFY_CLIENT_SECRET=canary-client\n",
		".cache": `{"access_token":"BQcanary-a","refresh_token":"AQcanary-r","expires_in":3600}`,
	}
	for at := 1; ; at++ {
		dir := t.TempDir()
		old := filepath.Join(dir, "old")
		if err := os.Mkdir(old, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(old, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestChildProcess$")
		cmd.Env = append(os.Environ(), childEnv+"="+dir+"\n"+strconv.Itoa(at))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil && at > 10:
			return // it came to its end
		case !errors.As(err, &exit) || exit.Exited():
			t.Fatalf("step %d: %v\n%s", at, err, out)
		}
		kept, _ := os.ReadFile(filepath.Join(dir, "vault.json"))
		for name, content := range files {
			now, err := os.ReadFile(filepath.Join(old, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, canary := range []string{"canary-client", "canary-a", "canary-r"} {
				if strings.Contains(content, canary) && !strings.Contains(string(now), canary) && !strings.Contains(string(kept), canary) {
					t.Fatalf("step %d: %s is neither in the file nor in the vault", at, canary)
				}
			}
		}
		k, err := keeperOn(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		report, err := k.Import(t.Context(), importer.Request{Path: old})
		if err != nil {
			t.Fatalf("step %d: again: %v %+v", at, err, report)
		}
		if a, err := k.State(t.Context()); err != nil || len(a.Profiles) != 1 || a.Profiles[0].Status != auth.StatusActive {
			t.Fatalf("step %d: %+v, %v", at, a, err)
		}
		for _, folder := range []string{"old", "state"} {
			noCanary(t, filepath.Join(dir, folder))
		}
		if _, err := k.UndoImport(t.Context(), importer.UndoRequest{}); err != nil {
			t.Fatalf("step %d: undo: %v", at, err)
		}
		for name, content := range files {
			if now, _ := os.ReadFile(filepath.Join(old, name)); string(now) != content {
				t.Fatalf("step %d: %s came back as %q", at, name, now)
			}
		}
	}
}
