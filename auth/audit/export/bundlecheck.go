package export

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Limits of a bundle, which may come from anybody.
const (
	maxBundleFiles   = 100_000
	maxBundleText    = 64 << 20 // bytes of the statement
	maxBundleSegment = 1 << 32  // bytes of a segment, unpacked
)

// BundleReport is what a check of a bundle found. OK means that the bundle is
// what the holder of PublicKey signed; what that one found out about the log
// is in Statement.Report.
type BundleReport struct {
	OK        bool      `json:"ok"`
	Problem   string    `json:"problem"` // one sentence for people; "" when OK
	Statement Statement `json:"statement"`
	Events    uint64    `json:"events"` // lines counted
	// Own says that the key is the one of this machine's log; null if that
	// cannot be told.
	Own *bool `json:"own"`
}

// bundleError is what is wrong with a bundle.
type bundleError struct{ error }

func notBundle(format string, args ...any) error { return bundleError{fmt.Errorf(format, args...)} }

// CheckBundle checks a bundle of any origin: its signature, the segments'
// SHA-256, and that each line names the one before. It needs no key. An error
// means that the file could not be read; what is wrong with it is the report's
// Problem.
func CheckBundle(ctx context.Context, r io.ReaderAt, size int64) (BundleReport, error) {
	var report BundleReport
	err := report.check(ctx, r, size)
	var wrong bundleError
	switch {
	case errors.As(err, &wrong):
		report.Problem = wrong.Error()
		return report, nil
	case err != nil:
		return report, fmt.Errorf("check bundle: %w", err)
	}
	report.OK = true
	return report, nil
}

func (b *BundleReport) check(ctx context.Context, r io.ReaderAt, size int64) error {
	files, err := bundleFiles(r, size)
	if err != nil {
		return err
	}
	text, err := readBundled(files[bundleStatement], maxBundleText)
	if err != nil {
		return err
	}
	encoded, err := readBundled(files[bundleSignature], 1024)
	if err != nil {
		return err
	}
	var s Statement
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return notBundle("the statement cannot be read")
	}
	if s.Version != bundleVersion {
		return notBundle("the statement is of version %d, which this program does not know", s.Version)
	}
	key, err := hex.DecodeString(s.PublicKey)
	signature, badText := base64.StdEncoding.DecodeString(strings.TrimSpace(string(encoded)))
	if err != nil || badText != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, text, signature) {
		return notBundle("the statement's signature is wrong: it was changed, or somebody else made it")
	}
	b.Statement = s
	if files[bundleReadme] == nil {
		return notBundle("%s is missing", bundleReadme)
	}
	text, err = readBundled(files[bundleReadme], maxBundleText)
	if err != nil {
		return err
	}
	if readmeSum(string(text)) != s.Readme {
		return notBundle("%s was changed", bundleReadme)
	}
	listed := map[string]bool{}
	for _, segment := range s.Segments {
		listed[bundleSegments+segment.Name] = true
	}
	if len(listed) != len(s.Segments) {
		return notBundle("the statement names a segment twice")
	}
	for name := range files {
		if !listed[name] && name != bundleStatement && name != bundleSignature && name != bundleReadme {
			return notBundle("%q is not in the statement: it was put in", name)
		}
	}
	return b.checkSegments(ctx, files)
}

// bundleFiles lists the files of a zip, each once.
func bundleFiles(r io.ReaderAt, size int64) (map[string]*zip.File, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		if errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrInsecurePath) {
			err = notBundle("it is not a zip file")
		}
		return nil, err
	}
	if len(z.File) > maxBundleFiles {
		return nil, notBundle("it has %d files", len(z.File))
	}
	files := make(map[string]*zip.File, len(z.File))
	for _, f := range z.File {
		if files[f.Name] != nil || path.Clean(f.Name) != f.Name {
			return nil, notBundle("the file name %q is there twice or is odd", f.Name)
		}
		files[f.Name] = f
	}
	for _, name := range []string{bundleStatement, bundleSignature} {
		if files[name] == nil {
			return nil, notBundle("%s is missing", name)
		}
	}
	return files, nil
}

func readBundled(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, notBundle("%s cannot be unpacked", f.Name)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(data)) > limit {
		return nil, notBundle("%s cannot be unpacked or is too big", f.Name)
	}
	return data, nil
}

// checkSegments checks the segments' bytes and the links from line to line.
// Where the verification that the statement tells of found a problem, the
// links are not expected to hold.
func (b *BundleReport) checkSegments(ctx context.Context, files map[string]*zip.File) error {
	linked := b.Statement.Report.OK
	var before *audit.Chain // behind the last line
	for _, s := range b.Statement.Segments {
		f := files[bundleSegments+s.Name]
		if f == nil {
			return notBundle("%s is missing", s.Name)
		}
		if s.Size < 0 || s.Size > maxBundleSegment || f.UncompressedSize64 != uint64(s.Size) {
			return notBundle("%s has another size than the statement says", s.Name)
		}
		r, err := f.Open()
		if err != nil {
			return notBundle("%s cannot be unpacked", s.Name)
		}
		h := sha256.New()
		broken := error(nil)
		for line, err := range audit.ReadLines(ctx, io.TeeReader(io.LimitReader(r, s.Size), h)) {
			if err != nil {
				_ = r.Close()
				return cmp.Or(ctx.Err(), notBundle("%s cannot be unpacked", s.Name))
			}
			b.Events++
			if broken == nil && linked && (line.Bad != nil || before != nil && !before.Leads(line)) {
				broken = notBundle("line %d of %s does not follow from the line before it", line.N, s.Name)
			}
			after := line.After()
			before = &after
		}
		_ = r.Close()
		if sum(h) != s.SHA256 {
			return notBundle("%s is not the file that was bundled: it was changed", s.Name)
		}
		if broken != nil {
			return broken
		}
	}
	return nil
}
