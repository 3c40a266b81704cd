package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/files"
)

// archive makes the archive for other distributions and for users without root: what the
// packages have below /usr, and the scripts that install it and take it out again.
func archive(config nfpm.Config, version, arch string, date time.Time) error {
	info, err := config.Get("archlinux")
	if err != nil {
		return err
	}
	if err := nfpm.PrepareForPackager(info, "archlinux"); err != nil {
		return err
	}
	top := fmt.Sprintf("stagedoor-%s-linux-%s", version, arch)
	var data bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&data, gzip.BestCompression) // the level is right
	t := tar.NewWriter(zip)
	add := func(name, from string, mode os.FileMode) error {
		content, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		header := &tar.Header{Name: path.Join(top, name), Mode: int64(mode.Perm()), Size: int64(len(content)), ModTime: date, Format: tar.FormatPAX}
		if err := t.WriteHeader(header); err != nil {
			return err
		}
		_, err = t.Write(content)
		return err
	}
	for _, script := range []string{"install.sh", "uninstall.sh"} {
		if err := add(script, filepath.Join(source, "linux", script), 0o755); err != nil {
			return err
		}
	}
	for _, c := range info.Contents {
		if c.Type == files.TypeImplicitDir {
			continue
		}
		if err := add("files/"+strings.TrimPrefix(c.Destination, "/usr/"), c.Source, c.FileInfo.Mode); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return write(filepath.Join(out, top+".tar.gz"), data.Bytes())
}
