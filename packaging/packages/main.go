// Command packages makes what users of Linux install: a deb, an rpm, a package for Arch
// and an archive with an installer. It is a module of its own, so that the packager
// stays out of the program's dependencies.
//
// It is run in the repository's folder, after both builds, and writes into out/packages.
// The same input gives the same bytes: every time in a package is SOURCE_DATE_EPOCH.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/arch"
	_ "github.com/goreleaser/nfpm/v2/deb"
	_ "github.com/goreleaser/nfpm/v2/rpm"

	"github.com/stagedoor-app/stagedoor/app/cli"
)

const (
	source = "packaging/packages"
	out    = "out/packages"
	made   = out + "/made" // what nfpm.yaml takes besides what is in the repository
)

func main() {
	log.SetFlags(0)
	version := flag.String("version", "", "the `release` that is packaged, as packaging/version.sh prints it")
	arch := flag.String("arch", runtime.GOARCH, "the `architecture` of both builds")
	flag.Parse()
	if err := run(*version, *arch); err != nil {
		log.Fatal("packages: ", err)
	}
}

func run(version, arch string) error {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil || version == "" {
		return errors.New("it needs SOURCE_DATE_EPOCH and --version: use make packages")
	}
	date := time.Unix(seconds, 0).UTC()
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := writeMade(version, date); err != nil {
		return err
	}
	values := map[string]string{"VERSION": version, "ARCH": arch}
	config, err := nfpm.ParseFileWithEnvMapping(source+"/nfpm.yaml", func(name string) string { return values[name] })
	if err != nil {
		return err
	}
	for _, format := range []string{"deb", "rpm", "archlinux"} {
		if err := pack(config, format, date); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return archive(config, version, arch, date)
}

// pack makes the package of a format.
func pack(config nfpm.Config, format string, date time.Time) error {
	info, err := config.Get(format)
	if err != nil {
		return err
	}
	info.MTime = date
	if format == "rpm" {
		info.License = "MIT" // no field of a deb
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	var data bytes.Buffer
	if err := packager.Package(info, &data); err != nil {
		return err
	}
	return write(filepath.Join(out, packager.ConventionalFileName(info)), data.Bytes())
}

// writeMade writes the manual pages, the completions, and the files with a version or a
// date in them.
func writeMade(version string, date time.Time) error {
	reference := cli.Reference(version)
	pages, err := manual(reference, version, date)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for name, page := range pages {
		files["man/"+name+".gz"] = packed(page)
	}
	var bash, zsh, fish bytes.Buffer
	root := reference.Root
	if err := errors.Join(root.GenBashCompletionV2(&bash, true), root.GenZshCompletion(&zsh), root.GenFishCompletion(&fish, true)); err != nil {
		return err
	}
	files["stagedoor.bash"], files["_stagedoor"], files["stagedoor.fish"] = bash.Bytes(), zsh.Bytes(), fish.Bytes()
	changes, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return err
	}
	files["changelog.gz"] = packed(changes)
	fill := strings.NewReplacer("@VERSION@", version, "@DATE@", date.Format(time.DateOnly), "@RFC2822@", date.Format(time.RFC1123Z))
	for _, name := range []string{"app.stagedoor.Stagedoor.metainfo.xml", "changelog.Debian"} {
		text, err := os.ReadFile(filepath.Join(source, "linux", name))
		if err != nil {
			return err
		}
		files[name] = []byte(fill.Replace(string(text)))
	}
	files["changelog.Debian.gz"] = packed(files["changelog.Debian"])
	for name, data := range files {
		if err := write(filepath.Join(made, name), data); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// packed is gzip -9n.
func packed(data []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is right, and b takes all
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}
