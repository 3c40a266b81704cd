//go:build e2e

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	packages = "../../out/packages"
	desktop  = "usr/share/applications/app.stagedoor.Stagedoor.desktop"
)

func TestMain(m *testing.M) {
	if _, err := exec.LookPath("dpkg"); err != nil {
		fmt.Println("skipped: packages are looked at with the tools of Debian")
		return
	}
	os.Exit(m.Run())
}

// one is the package that ends so.
func one(t *testing.T, suffix string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(packages, "*"+suffix))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v: run make packages first", suffix, found, err)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// says runs a program, which must end with a status, and returns all that it says.
func says(t *testing.T, status int, line ...string) string {
	t.Helper()
	return saysIn(t, nil, status, line...)
}

// saysIn is says with an environment of its own.
func saysIn(t *testing.T, env []string, status int, line ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), line[0], line[1:]...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != status {
		t.Fatalf("%s: %v, want status %d\n%s", strings.Join(line, " "), err, status, out)
	}
	return string(out)
}

// asRoot is a command that only root may run. CI's user has sudo.
func asRoot(t *testing.T, line ...string) []string {
	t.Helper()
	if os.Geteuid() == 0 {
		return line
	}
	if exec.CommandContext(t.Context(), "sudo", "-n", "true").Run() != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("it needs root, or sudo without a password")
		}
		t.Skip("it needs root, or sudo without a password")
	}
	return append([]string{"sudo", "-n"}, line...)
}

// tree is what there is below a folder: paths, modes and contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		all[name] = info.Mode().String()
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrPermission) { // root's, where the test is not
				return nil
			}
			if err != nil {
				return err
			}
			sum := sha256.Sum256(data)
			all[name] += " " + hex.EncodeToString(sum[:8])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Whoever builds the same commit again must be able to see that the packages are those
// of the release.
func TestSameBytesTwice(t *testing.T) {
	t.Chdir("../..")
	before := tree(t, "out/packages")
	cmd := exec.CommandContext(t.Context(), "make", "-o", "lean", "packages", "TRIMPATH=")
	cmd.Env = append(os.Environ(), "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	after := tree(t, "out/packages")
	for name, was := range before {
		if after[name] != was {
			t.Errorf("%s: %s, and then %q", name, was, after[name])
		}
	}
	if len(after) != len(before) || len(before) < 50 {
		t.Errorf("%d files, and then %d", len(before), len(after))
	}
}

// What distributions check finds nothing, but what linux/lintian-overrides says why of.
func TestLints(t *testing.T) {
	if out := says(t, 0, "lintian", "--allow-root", "--fail-on", "error,warning", one(t, ".deb")); strings.Contains(out, "unused-override") {
		t.Error(out)
	}
	says(t, 0, "desktop-file-validate", "--no-hints", "linux/app.stagedoor.Stagedoor.desktop")
	says(t, 0, "appstreamcli", "validate", "--no-net", filepath.Join(packages, "made/app.stagedoor.Stagedoor.metainfo.xml"))
}

// On a system with nothing but the C library the package installs, its command line
// works, the windows say which packages they need, and a purge leaves nothing behind.
func TestDebOnAServer(t *testing.T) {
	dir := t.TempDir()
	admin := filepath.Join(dir, "var/lib/dpkg")
	status := "Package: libc6\nStatus: install ok installed\nArchitecture: " + strings.TrimSpace(says(t, 0, "dpkg", "--print-architecture")) +
		"\nVersion: 2.34-1\nMaintainer: nobody <nobody@example.com>\nDescription: the C library\n\n"
	for _, folder := range []string{admin + "/info", admin + "/updates", dir + "/tmp"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"status": status, "available": "", "info/libc6:amd64.list": "/.\n"} {
		if err := os.WriteFile(filepath.Join(admin, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, dir)
	dpkg := func(status int, args ...string) string {
		t.Helper()
		return says(t, status, asRoot(t, append([]string{"dpkg", "--root=" + dir, "--force-not-root", "--log=/dev/null"}, args...)...)...)
	}
	dpkg(0, "-i", one(t, ".deb"))
	if out := dpkg(0, "-V", "stagedoor"); out != "" {
		t.Errorf("dpkg -V: %s", out)
	}
	says(t, 0, "appstreamcli", "validate-tree", "--no-net", dir)

	// Its own home, in a folder that is nothing else's.
	stagedoor := func(status int, args ...string) string {
		t.Helper()
		env := []string{"env", "-i", "PATH=/usr/bin", "HOME=/tmp", "STAGEDOOR_HOME=/tmp/state", "STAGEDOOR_VAULT=file", "STAGEDOOR_KEY_FILE=/tmp/key", "DISPLAY=:0"}
		return says(t, status, asRoot(t, append(append([]string{"chroot", dir}, env...), args...)...)...)
	}
	copyProgram(t, dir, "env")
	says(t, 0, asRoot(t, "install", "-d", dir+"/dev")...)
	says(t, 0, asRoot(t, "mknod", "-m", "666", dir+"/dev/null", "c", "1", "3")...)
	unmount := mountProc(t, dir)
	stagedoor(0, "stagedoor", "create-profile", "work", "--provider", "spotify", "--client-id", "0123456789abcdef0123456789abcdef")
	if out := stagedoor(0, "stagedoor", "profiles"); !strings.Contains(out, "work") {
		t.Errorf("profiles: %s", out)
	}
	if out := stagedoor(1, "stagedoor", "window", "audit"); !strings.Contains(out, "libGL.so.1") && !strings.Contains(out, "libwayland-client.so.0") || !strings.Contains(out, "hint: install the libraries of a desktop") {
		t.Errorf("window: %s", out)
	}
	unmount()
	says(t, 0, asRoot(t, "rm", "-rf", dir+"/tmp", dir+"/dev", dir+"/lib64", dir+"/lib", dir+"/usr/bin/env")...)
	if err := os.Mkdir(dir+"/tmp", 0o755); err != nil {
		t.Fatal(err)
	}
	dpkg(0, "--purge", "stagedoor")
	after := tree(t, dir)
	for name := range after {
		if _, was := before[name]; !was && !strings.HasPrefix(name, "var/lib/dpkg") {
			t.Errorf("left behind: %s", name)
		}
	}
}

// mountProc shows /proc below dir, until it is unmounted.
func mountProc(t *testing.T, dir string) (unmount func()) {
	t.Helper()
	at := filepath.Join(dir, "proc")
	says(t, 0, asRoot(t, "mkdir", at)...)
	line := asRoot(t, "sh", "-c", "umount '"+at+"' && rmdir '"+at+"'")
	says(t, 0, asRoot(t, "mount", "--bind", "/proc", at)...)
	unmount = sync.OnceFunc(func() {
		if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
			t.Errorf("unmount %s: %v: %s", at, err, out)
		}
	})
	t.Cleanup(unmount)
	return unmount
}

// copyProgram puts a program and the libraries that it is linked to into a folder.
func copyProgram(t *testing.T, dir, name string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	needs := regexp.MustCompile(`/\S+\.so\S*`).FindAllString(says(t, 0, "ldd", path), -1)
	says(t, 0, asRoot(t, "install", "-D", path, filepath.Join(dir, "usr/bin", name))...)
	for _, library := range needs {
		says(t, 0, asRoot(t, "install", "-D", library, filepath.Join(dir, library))...)
	}
}

// What the programs are linked to is what the packages say that they need: no newer C
// library, and no library that a server has not.
func TestNeeds(t *testing.T) {
	dir := t.TempDir()
	says(t, 0, "dpkg-deb", "-x", one(t, ".deb"), dir)
	if out := says(t, 0, "readelf", "-d", dir+"/usr/bin/stagedoor"); strings.Contains(out, "NEEDED") {
		t.Errorf("stagedoor is not static:\n%s", out)
	}
	out := says(t, 0, "readelf", "-d", "-V", dir+"/usr/bin/stagedoor-window")
	libraries := map[string]bool{}
	for _, m := range regexp.MustCompile(`NEEDED\)\s+Shared library: \[(.*)\]`).FindAllStringSubmatch(out, -1) {
		if !strings.HasPrefix(m[1], "ld-linux") { // a part of the C library, which some machines name
			libraries[m[1]] = true
		}
	}
	want := []string{"libGL.so.1", "libc.so.6", "libm.so.6", "libwayland-client.so.0"}
	if got := slices.Sorted(maps.Keys(libraries)); !slices.Equal(got, want) {
		t.Errorf("stagedoor-window needs %v, want %v; mend nfpm.yaml and platform.Loads, too", got, want)
	}
	var minor int
	if _, err := fmt.Sscanf(says(t, 0, "getconf", "GNU_LIBC_VERSION"), "glibc 2.%d", &minor); err != nil || minor > 36 {
		t.Skipf("glibc 2.%d puts newer names into what is linked here; a release is built on an older system", minor)
	}
	for _, m := range regexp.MustCompile(`Name: GLIBC_2\.(\d+)`).FindAllStringSubmatch(out, -1) {
		if _, err := fmt.Sscan(m[1], &minor); err != nil || minor > 34 {
			t.Errorf("stagedoor-window needs glibc 2.%s", m[1])
		}
	}
}

// A key and a volume as Kubernetes mounts them for a user who is not root.
func TestInAPod(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it makes files of several users")
	}
	dir := t.TempDir()
	says(t, 0, "dpkg-deb", "-x", one(t, ".deb"), dir)
	says(t, 0, "chmod", "-R", "a+rX", filepath.Dir(dir))
	volume, keys := filepath.Join(dir, "volume"), filepath.Join(dir, "keys")
	as := func(status int, home string, args ...string) string {
		t.Helper()
		line := []string{"setpriv", "--reuid", "65532", "--regid", "65532", "--clear-groups", dir + "/usr/bin/stagedoor"}
		return saysIn(t, []string{"HOME=/nonexistent", "STAGEDOOR_HOME=" + home, "STAGEDOOR_VAULT=file", "STAGEDOOR_KEY_FILE=" + keys + "/key"}, status, append(line, args...)...)
	}
	for folder, mode := range map[string]os.FileMode{volume: 0o2770, keys: 0o777} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(folder, 0, 65532); err != nil {
			t.Fatal(err)
		}
		says(t, 0, "chmod", fmt.Sprintf("%o", mode), folder)
	}
	if out := as(1, volume, "profiles"); !strings.Contains(out, "one below it: "+volume+"/stagedoor") {
		t.Errorf("the volume itself: %s", out)
	}
	home := volume + "/stagedoor"
	as(0, home, "create-profile", "work", "--provider", "spotify", "--client-id", "0123456789abcdef0123456789abcdef")
	as(0, home, "audit", "verify") // makes the key
	says(t, 0, "chown", "0:65532", keys+"/key")
	says(t, 0, "chmod", "440", keys+"/key")
	as(0, home, "audit", "verify")
	says(t, 0, "chmod", "444", keys+"/key")
	if out := as(4, home, "audit", "verify"); !strings.Contains(out, "fsGroup") {
		t.Errorf("a key for all: %s", out)
	}
}

// The rpm installs, is as it was packed, and leaves nothing behind.
func TestRPM(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "root")
	rpm := func(args ...string) string {
		t.Helper()
		return says(t, 0, asRoot(t, append([]string{"rpm", "--root", dir, "--dbpath", "/var/lib/rpm"}, args...)...)...)
	}
	line := asRoot(t, "rm", "-rf", dir)
	t.Cleanup(func() { _ = exec.Command(line[0], line[1:]...).Run() })
	rpm("-i", "--nodeps", one(t, ".rpm"))
	if out := rpm("-V", "--nodeps", "stagedoor"); out != "" {
		t.Errorf("rpm -V: %s", out)
	}
	if out := rpm("-q", "--qf", "%{LICENSE} %{BUILDHOST}", "stagedoor"); out != "MIT localhost" {
		t.Errorf("it says %s", out)
	}
	says(t, 0, dir+"/usr/bin/stagedoor", "version")
	if _, err := os.Stat(filepath.Join(dir, desktop)); err != nil {
		t.Error(err)
	}
	rpm("-e", "stagedoor")
	for name, mode := range tree(t, dir) {
		if strings.Contains(name, "tagedoor") && !strings.HasPrefix(mode, "d") {
			t.Errorf("left behind: %s", name)
		}
	}
}

// pacman is not here: the package has what it reads, and the files.
func TestArch(t *testing.T) {
	out := says(t, 0, "tar", "--zstd", "-tf", one(t, ".pkg.tar.zst"))
	for _, name := range []string{".PKGINFO", ".MTREE", "usr/bin/stagedoor", "usr/bin/stagedoor-window", desktop, "usr/share/licenses/stagedoor/LICENSE"} {
		if !slices.Contains(strings.Fields(out), name) {
			t.Errorf("%s is missing", name)
		}
	}
}

// A user without root installs into a home, starts from there, installs again, and has
// the home as it was afterwards. A desktop does not look for programs in that folder.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	home, unpacked := filepath.Join(dir, "the \"home\" $HOME & co"), filepath.Join(dir, "unpacked")
	for _, folder := range []string{home + "/.local/bin", unpacked} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(home+"/.local/bin/mine", []byte("mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	says(t, 0, "tar", "-C", unpacked, "--strip-components=1", "-xf", one(t, ".tar.gz"))
	before := tree(t, home)
	prefix := home + "/.local"
	env := []string{"HOME=" + home, "PATH=/usr/bin:/bin"}
	former := unpacked + "/files/share/former/gone"
	if err := errors.Join(os.Mkdir(filepath.Dir(former), 0o755), os.WriteFile(former, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"installation", "update"} {
		if out := saysIn(t, env, 0, unpacked+"/install.sh", "--prefix", prefix); !strings.Contains(out, "into your PATH") {
			t.Errorf("%s: install.sh says %s", what, out)
		}
		_ = os.Remove(former) // the newer release has it no more
	}
	if _, err := os.Stat(prefix + "/share/former/gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an update left what only the former release had: %v", err)
	}
	if out := saysIn(t, env, 0, prefix+"/bin/stagedoor", "version"); !strings.HasPrefix(out, "stagedoor 0.") {
		t.Errorf("version: %s", out)
	}
	entry := prefix + "/share/applications/app.stagedoor.Stagedoor.desktop"
	says(t, 0, "desktop-file-validate", "--no-hints", entry)
	text, err := os.ReadFile(entry)
	if err != nil {
		t.Fatal(err)
	}
	quoted := `"` + strings.NewReplacer(`"`, `\\"`, `$`, `\\$`).Replace(prefix) + `/bin/stagedoor"`
	for _, line := range []string{"Exec=" + quoted + "\n", "Exec=" + quoted + " window audit\n", "TryExec=" + prefix + "/bin/stagedoor\n"} {
		if !bytes.Contains(text, []byte(line)) {
			t.Errorf("the entry has no %s:\n%s", line, text)
		}
	}
	saysIn(t, env, 0, prefix+"/share/stagedoor/uninstall.sh")
	after := tree(t, home)
	if !maps.Equal(before, after) {
		t.Errorf("before %v\nafter %v", before, after)
	}
}
