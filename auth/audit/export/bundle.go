package export

import (
	"archive/zip"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
)

// A bundle is a zip file for whoever looks into an incident:
//
//	README.txt            what it is and how to check it
//	statement.json        a Statement
//	statement.sig         Ed25519 signature of statement.json's bytes, base64
//	segments/000001.jsonl …, byte for byte
//
// The signing key is derived from the log's key, which never leaves the
// keychain; the public key is in the statement and in `audit verify --json`.
const (
	bundleReadme    = "README.txt"
	bundleStatement = "statement.json"
	bundleSignature = "statement.sig"
	bundleSegments  = "segments/"
	bundleVersion   = 1
)

// Statement says what a bundle holds and what the verification of the log said
// when it was made.
type Statement struct {
	Version   int              `json:"version"`
	By        string           `json:"by"`         // the program and its version
	Created   time.Time        `json:"created"`    // UTC, by this machine's clock
	PublicKey string           `json:"public_key"` // Ed25519, in hex
	Report    verify.Report    `json:"report"`
	Segments  []BundledSegment `json:"segments"`      // oldest first
	Readme    string           `json:"readme_sha256"` // of README.txt, in hex
	Proves    []string         `json:"proves"`
	DoesNot   []string         `json:"does_not_prove"`
}

// BundledSegment is a segment in a bundle.
type BundledSegment struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // in hex
}

var (
	bundleProves = []string{
		"that the segments are, byte for byte, those that the holder of the signing key bundled",
		"what a verification of the log against the key and the anchor in that keychain said at that moment: see report",
		"by the prev members, that no line was put in, taken out or moved after the statement was signed",
	}
	bundleDoesNot = []string{
		"who the holder of the key is: compare public_key with `stagedoor audit verify --json` on the machine",
		"that the events are true: whoever can use the keychain of that user can write a log that verifies",
		"that nothing was cut off after the anchor, or by retention: see report.anchor_seq and pruned events",
		"when it was made: the time is that machine's clock",
	}
)

// WriteBundle verifies the log and writes a bundle of what it verified, by
// being the program's name and version. A log that does not verify is bundled
// all the same, with the problem in the statement: that is when it is needed.
// Appending goes on meanwhile.
func WriteBundle(ctx context.Context, l *audit.Log, w io.Writer, by string, progress func(done, total int64)) (Statement, error) {
	s, err := writeBundle(ctx, l, w, by, progress)
	if err != nil {
		return s, fmt.Errorf("bundle audit log: %w", err)
	}
	return s, nil
}

func writeBundle(ctx context.Context, l *audit.Log, w io.Writer, by string, progress func(done, total int64)) (Statement, error) {
	log, err := l.Snapshot(ctx)
	if err != nil {
		return Statement{}, err
	}
	if log.Key == nil {
		return Statement{}, errors.New("the log is empty")
	}
	report, err := verify.Check(ctx, log, progress)
	if err != nil {
		return Statement{}, err
	}
	s := Statement{
		Version: bundleVersion, By: by, Created: log.At.UTC(), PublicKey: audit.PublicKey(log.Key),
		Report: report, Proves: bundleProves, DoesNot: bundleDoesNot, Readme: readmeSum(readme),
	}
	out := zip.NewWriter(w)
	create := func(name string) (io.Writer, error) {
		return out.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: s.Created})
	}
	for _, e := range log.Segments {
		file, err := create(bundleSegments + e.Name())
		if err != nil {
			return s, err
		}
		b, err := copySegment(ctx, file, e)
		if err != nil {
			return s, err
		}
		s.Segments = append(s.Segments, b)
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return s, err
	}
	text = append(text, '\n')
	signature := base64.StdEncoding.EncodeToString(ed25519.Sign(audit.SigningKey(log.Key), text)) + "\n"
	for _, part := range []struct{ name, text string }{
		{bundleStatement, string(text)}, {bundleSignature, signature}, {bundleReadme, readme},
	} {
		file, err := create(part.name)
		if err != nil {
			return s, err
		}
		if _, err := io.WriteString(file, part.text); err != nil {
			return s, err
		}
	}
	return s, out.Close()
}

// copySegment copies as much of a segment as was verified.
func copySegment(ctx context.Context, w io.Writer, e audit.Segment) (BundledSegment, error) {
	f, err := e.Open()
	if err != nil {
		return BundledSegment{}, err
	}
	defer func() { _ = f.Close() }()
	defer context.AfterFunc(ctx, func() { _ = f.Close() })()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(f, e.Size))
	if ctx.Err() != nil {
		return BundledSegment{}, ctx.Err()
	}
	if err == nil && n != e.Size {
		err = fmt.Errorf("%s became shorter while it was read: %w", e.Name(), io.ErrUnexpectedEOF)
	}
	return BundledSegment{Name: e.Name(), Size: n, SHA256: sum(h)}, err
}

func readmeSum(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

const readme = `This is a copy of Stagedoor's audit log.

segments/ has the log's files as they were, one JSON object a line. Each line
names the one before it in its "prev" member. statement.json lists the files
with their SHA-256 and tells what the verification of the log said, what that
proves and what not. statement.sig is the Ed25519 signature of statement.json.

To check it:

    stagedoor audit verify --bundle FILE

or without Stagedoor, with the public key that "stagedoor audit verify --json"
prints on the machine it came from:

    (printf '302a300506032b6570032100'; printf PUBLIC_KEY) | xxd -r -p > key.der
    base64 -d statement.sig > signature
    openssl pkeyutl -verify -pubin -keyform DER -inkey key.der \
        -rawin -in statement.json -sigfile signature
    sha256sum segments/*

There is no token in it, but there are names of accounts and profiles.
`
