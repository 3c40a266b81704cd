//go:build linux

// Package booklog makes up an audit log of any length in a virtual desktop, for
// measurements and pictures. Appending a million events would sync a million
// times; this writes the segments at once, chained with the key that the app
// made, after the layout in the audit package's comment. The app's own
// verification is the judge of it.
package booklog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// Options say what to make up.
type Options struct {
	Events   int
	Span     time.Duration // that they are spread over, up to now
	Profiles []string      // ids; made up where there are none
	Human    bool          // less at night and on Sundays
	Odd      bool          // ends with events that raise alerts of three severities
}

// Dir is where the app keeps its audit log on the desktop.
func Dir(d *desktop.Desktop) string {
	return filepath.Join(d.Home(), ".local", "share", "stagedoor", "audit")
}

// Write replaces the log with a made-up one. The app must have written to its log
// before, so that there is a key, and must not run.
func Write(ctx context.Context, d *desktop.Desktop, o Options) error {
	key, err := auditKey(ctx, d)
	if err != nil {
		return err
	}
	// The lines there are began today, and a log starts in the past: they go, and
	// the anchor goes with them.
	if err := os.RemoveAll(Dir(d)); err != nil {
		return err
	}
	if err := os.MkdirAll(Dir(d), 0o700); err != nil {
		return err
	}
	if err := forgetAnchor(ctx, d, key); err != nil {
		return err
	}
	w := &chainWriter{dir: Dir(d), mac: hmac.New(sha256.New, key), link: bytes.Repeat([]byte("0"), 2*sha256.Size)}
	err = o.write(w)
	return errors.Join(err, w.close())
}

func (o Options) write(w *chainWriter) error {
	if len(o.Profiles) == 0 {
		o.Profiles = []string{"0000000000000001", "0000000000000002", "0000000000000003"}
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same log every time
	from := time.Now().UTC().Add(-o.Span)
	for i := range o.Events {
		at := from.Add(time.Duration(float64(o.Span) * float64(i) / float64(o.Events)))
		if o.Human && !awake(at, random) {
			continue
		}
		profile := o.Profiles[random.IntN(len(o.Profiles))]
		name, outcome, data := someEvent(random)
		if err := w.add(at, name, profile, outcome, data); err != nil {
			return err
		}
	}
	if !o.Odd {
		return nil
	}
	for i, odd := range []struct{ name, outcome, data string }{
		{audit.ReuseDetected, audit.Failed, `{"kind":"invalid_grant_on_current"}`},
		{audit.APIError, audit.Failed, `{"calls":40,"status":401}`},
		{audit.APIError, audit.Failed, `{"calls":41,"status":401}`},
		{audit.ScopeNarrowed, audit.OK, `{"lost":"email"}`},
		{audit.EndpointChanged, audit.Failed, `{"before":"login.example.com","now":"login.example.net","what":"token endpoint"}`},
		{audit.APIError, audit.Failed, `{"calls":60,"status":429}`},
		{audit.APIError, audit.Failed, `{"calls":61,"status":429}`},
		{audit.APIError, audit.Failed, `{"calls":62,"status":429}`},
	} {
		at := time.Now().UTC().Add(-time.Duration(8-i) * time.Second)
		if err := w.add(at, odd.name, o.Profiles[0], odd.outcome, odd.data); err != nil {
			return err
		}
	}
	return nil
}

func awake(at time.Time, r *rand.Rand) bool {
	share := 1.0
	if h := at.Hour(); h < 7 || h > 20 {
		share = 0.08
	}
	if at.Weekday() == time.Sunday {
		share *= 0.3
	}
	return r.Float64() < share
}

// someEvent makes up an event as a busy year has them.
func someEvent(r *rand.Rand) (name, outcome, data string) {
	switch n := r.IntN(1000); {
	case n < 700:
		return audit.KeychainAccess, audit.OK, `{"purpose":"run","storage":"keychain"}`
	case n < 830:
		return audit.TokenRefreshed, audit.OK, `{"expires_in":3600,"rotated":true}`
	case n < 930:
		return audit.TokenRotation, audit.OK, `{"new":"5f2c9a01","old":"91be7d44"}`
	case n < 965:
		return audit.Launched, audit.OK, `{"recipe":"spotify"}`
	case n < 990:
		return audit.LoginSucceeded, audit.OK, `{"account":"Ada"}`
	case n < 994:
		return audit.RefreshFailed, audit.Failed, `{"http_status":503,"transient":true}`
	case n < 997:
		return audit.LoginFailed, audit.Failed, `{"reason":"access_denied"}`
	}
	return audit.TokensRevoked, audit.OK, `{"remote":"revoked"}`
}

// chainWriter writes lines into segments.
type chainWriter struct {
	dir     string
	mac     hash.Hash
	link    []byte // the newest line's MAC
	seq     int
	segment int
	size    int
	file    *os.File
	out     *bufio.Writer
}

func (w *chainWriter) add(at time.Time, name, profile, outcome, data string) error {
	w.seq++
	body := fmt.Appendf(nil, `{"v":1,"seq":%d,"ts":"%s","actor":"launcher","pid":4711,"event":"%s","profile":"%s","outcome":"%s","data":%s`,
		w.seq, at.Format("2006-01-02T15:04:05.000000000Z"), name, profile, outcome, data)
	prev := fmt.Appendf(nil, `,"prev":"%s"`, w.link)
	w.mac.Reset()
	for _, part := range [][]byte{w.link, body, prev, []byte("}")} {
		w.mac.Write(part)
	}
	w.link = hex.AppendEncode(nil, w.mac.Sum(nil))
	line := fmt.Appendf(append(body, prev...), `,"mac":"%s"}`+"\n", w.link)
	if w.out == nil || w.size+len(line) > audit.DefaultSegmentSize {
		if err := w.begin(); err != nil {
			return err
		}
	}
	w.size += len(line)
	_, err := w.out.Write(line)
	return err
}

func (w *chainWriter) begin() error {
	if err := w.close(); err != nil {
		return err
	}
	w.segment++
	var err error
	w.file, err = os.OpenFile(filepath.Join(w.dir, fmt.Sprintf("%06d.jsonl", w.segment)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w.out, w.size = bufio.NewWriterSize(w.file, 1<<20), 0
	return nil
}

func (w *chainWriter) close() error {
	if w.out == nil {
		return nil
	}
	err := errors.Join(w.out.Flush(), w.file.Close())
	w.out = nil
	return err
}

// item is where the app keeps the log's key and anchor. Its name begins with the
// state folder's id.
func item(d *desktop.Desktop) ([]string, error) {
	id, err := os.ReadFile(filepath.Join(filepath.Dir(Dir(d)), "folder-id"))
	if err != nil {
		return nil, err
	}
	return []string{"service", "stagedoor", "username", strings.Fields(string(id))[0] + "/audit/book"}, nil
}

// auditKey reads the key that the app made from the throwaway keyring.
func auditKey(ctx context.Context, d *desktop.Desktop) ([]byte, error) {
	names, err := item(d)
	if err != nil {
		return nil, err
	}
	found, err := d.SecretSearch(ctx, map[string]string{names[0]: names[1], names[2]: names[3]})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("the keyring has no audit key")
	}
	var book struct{ Key string }
	if err := json.Unmarshal([]byte(found[0].Secret), &book); err != nil {
		return nil, errors.New("the audit key in the keyring is of another form")
	}
	return hex.DecodeString(book.Key)
}

// forgetAnchor leaves only the key in the item.
func forgetAnchor(ctx context.Context, d *desktop.Desktop, key []byte) error {
	names, err := item(d)
	if err != nil {
		return err
	}
	cmd := d.Command(ctx, "secret-tool", append([]string{"store", "--label=Stagedoor"}, names...)...)
	cmd.Stdin = strings.NewReader(fmt.Sprintf(`{"key":"%x"}`, key))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("forget the anchor: %w: %s", err, out)
	}
	return nil
}
