package clients

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tailscale/hujson"
	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// checkRefusal checks what the user sees: advice, and nothing out of the file.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if hint.Of(err) == "" {
		t.Errorf("%v: no hint", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("%v quotes the file", err)
	}
}

func errorsAsRefused(err error) (*RefusedError, bool) {
	var r *RefusedError
	ok := errors.As(err, &r)
	return r, ok
}

func diffStrings(want, got string) string { return cmp.Diff(want, got) }

// runPatch applies a diff with the tool that diffs are for.
func runPatch(t *rapid.T, tool, path, before, diff string) string {
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, "--fuzz=0", "--posix", path)
	cmd.Stdin = strings.NewReader(diff)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, diff)
	}
	after, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "" // patch removes a file that gets empty
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(after)
}

// entries are the stdio servers in the client's file.
func (w world) entries() (map[string]Entry, error) {
	data, _, err := readFile(w.path())
	if err != nil {
		return nil, err
	}
	d, err := parse(w.path(), data)
	if err != nil {
		return nil, err
	}
	servers, null, err := d.servers(w.client)
	if err != nil || servers == nil || null {
		return nil, err
	}
	found := map[string]Entry{}
	for _, m := range servers.Value.(*hujson.Object).Members {
		if e, ok := decodeEntry(m.Value); ok {
			found[memberName(m)] = e
		}
	}
	return found, nil
}

// backups are the names of the client's copies, the oldest first.
func (w world) backups() (names []string) {
	files, _ := os.ReadDir(filepath.Join(w.BackupDir, w.client.ID)) // missing: none
	for _, f := range files {
		if filepath.Ext(f.Name()) != recordFile {
			names = append(names, f.Name())
		}
	}
	return names
}
