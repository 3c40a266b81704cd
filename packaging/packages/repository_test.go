//go:build e2e

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Who adds the repository gets the package by apt and by dnf, and nothing from one that
// somebody changed.
func TestRepository(t *testing.T) {
	dir := t.TempDir()
	gnupg, err := os.MkdirTemp("/tmp", "gpg") // its socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.CommandContext(context.Background(), "gpgconf", "--homedir", gnupg, "--kill", "all").Run()
		_ = os.RemoveAll(gnupg)
	})
	env := append(os.Environ(), "GNUPGHOME="+gnupg)
	saysIn(t, env, 0, "gpg", "--batch", "--passphrase", "", "--quick-generate-key", "Stagedoor test", "ed25519", "sign", "1d")
	var key string
	for line := range strings.Lines(saysIn(t, env, 0, "gpg", "--list-keys", "--with-colons")) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			key = fields[9]
		}
	}
	folder := filepath.Join(dir, "repository")
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	defer server.Close()
	deb, rpm := one(t, ".deb"), one(t, ".rpm")
	for range 2 { // the second time, as for the next release
		saysIn(t, env, 0, "linux/repository.sh", server.URL, key, folder, deb, rpm)
	}

	// apt, with nothing of this machine's.
	root := filepath.Join(dir, "apt")
	for _, name := range []string{"etc/apt/sources.list.d", "etc/apt/preferences.d", "etc/apt/apt.conf.d", "etc/apt/keyrings", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(path string) string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	keyring := filepath.Join(root, "etc/apt/keyrings/stagedoor.asc")
	write(keyring, read(filepath.Join(folder, "stagedoor.asc")))
	write(filepath.Join(root, "var/lib/dpkg/status"), "")
	sources := read(filepath.Join(folder, "stagedoor.sources"))
	write(filepath.Join(root, "etc/apt/sources.list.d/stagedoor.sources"), strings.Replace(sources, "/etc/apt/keyrings/stagedoor.asc", keyring, 1))
	apt := func(status int, args ...string) string {
		t.Helper()
		line := append([]string{"apt-get", "-o", "Dir=" + root, "-o", "Dir::State::status=" + root + "/var/lib/dpkg/status", "-o", "APT::Sandbox::User=root"}, args...)
		cmd := exec.CommandContext(t.Context(), line[0], line[1:]...)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != status {
			t.Fatalf("%v: status %d\n%s", line, cmd.ProcessState.ExitCode(), out)
		}
		return string(out)
	}
	apt(0, "update", "--error-on=any")
	apt(0, "download", "stagedoor")
	if got := read(filepath.Join(dir, filepath.Base(deb))); got != read(deb) {
		t.Error("apt brings another package")
	}

	// dnf likewise.
	config, cache := filepath.Join(dir, "dnf.repo"), filepath.Join(dir, "dnf")
	write(config, read(filepath.Join(folder, "stagedoor.repo")))
	dnf := func(to string) error {
		if err := os.MkdirAll(cache, 0o755); err != nil {
			return err
		}
		cmd := exec.CommandContext(t.Context(), "dnf", "-y", "--disableplugin=local", "--config="+config, "--setopt=reposdir="+filepath.Join(dir, "none"), "--setopt=cachedir="+cache+to, "--setopt=logdir="+cache,
			"--setopt=persistdir="+cache, "--releasever=9", "--installroot="+filepath.Join(dir, "root"+to), "download", "--destdir="+filepath.Join(dir, to), "stagedoor")
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		t.Logf("dnf: %v\n%s", err, out)
		return err
	}
	if err := dnf("honest"); err != nil {
		t.Error(err)
	}
	if got := read(filepath.Join(dir, "honest", filepath.Base(rpm))); got != read(rpm) {
		t.Error("dnf brings another package")
	}

	// An index that somebody changed is refused by both.
	for _, name := range []string{"deb/dists/stable/InRelease", "rpm/repodata/repomd.xml"} {
		path := filepath.Join(folder, name)
		later := time.Now().Add(time.Hour) // or nobody would fetch it again
		write(path, strings.Replace(read(path), "0", "1", 1))
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(folder, "deb/dists/stable/Release.gpg")); err != nil {
		t.Fatal(err)
	}
	apt(100, "update", "--error-on=any")
	if dnf("changed") == nil {
		t.Error("dnf takes a changed index")
	}
}
