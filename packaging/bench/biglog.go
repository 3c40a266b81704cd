//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

// stateDir is where the app keeps its files on the desktop.
func stateDir(d *desktop.Desktop) string {
	return filepath.Join(d.Home(), ".local", "share", "stagedoor")
}

// bigLog writes the log on to about n lines over the past year, chained with the
// key that the app made: appending a million times would sync a million times.
// The layout of a line and the chain are those of the audit package's comment,
// and the app's own verification is the judge.
func bigLog(ctx context.Context, d *desktop.Desktop, n int) error {
	key, err := auditKey(ctx, d)
	if err != nil {
		return err
	}
	dir := filepath.Join(stateDir(d), "audit")
	// The few lines there are begin today. A log starts in the past, so they go
	// and the chain starts over; the anchor goes with them.
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if out, err := d.Command(ctx, "secret-tool", "clear", "service", "stagedoor", "username", "audit/anchor").CombinedOutput(); err != nil {
		return fmt.Errorf("forget the anchor: %w: %s", err, out)
	}
	w := &chainWriter{dir: dir, mac: hmac.New(sha256.New, key), link: bytes.Repeat([]byte("0"), 2*sha256.Size)}
	defer w.close()
	from := time.Now().UTC().AddDate(-1, 0, 0)
	step := time.Since(from) / time.Duration(n)
	random := rand.New(rand.NewPCG(1, 2)) // the same log every time
	for i := range n {
		name, outcome, profile, data := someEvent(random)
		at := from.Add(time.Duration(i) * step)
		if err := w.add(at, name, profile, outcome, data); err != nil {
			return err
		}
	}
	return w.close()
}

// someEvent makes up an event as a busy year has them.
func someEvent(r *rand.Rand) (name, outcome, profile, data string) {
	profile = fmt.Sprintf("%016x", r.IntN(3)+1)
	data = `{"name":"work","purpose":"run","storage":"keychain"}`
	switch n := r.IntN(1000); {
	case n < 700:
		return audit.KeychainAccess, audit.OK, profile, data
	case n < 850:
		return audit.TokenRefreshed, audit.OK, profile, `{"expires_in":3600,"name":"work","rotated":true}`
	case n < 950:
		return audit.TokenRotation, audit.OK, profile, `{"name":"work","new":"5f2c9a01","old":"91be7d44"}`
	case n < 970:
		return audit.Launched, audit.OK, profile, `{"name":"work","recipe":"spotify"}`
	case n < 985:
		return audit.LoginSucceeded, audit.OK, profile, `{"account":"Ada","name":"work"}`
	case n < 996:
		return audit.RefreshFailed, audit.Failed, profile, `{"http_status":503,"name":"work","transient":true}`
	case n < 999:
		return audit.LoginFailed, audit.Failed, profile, `{"name":"work","reason":"access_denied"}`
	}
	return audit.TokensRevoked, audit.OK, profile, `{"name":"work","remote":"revoked"}`
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

// auditKey reads the key that the app made from the throwaway keyring.
func auditKey(ctx context.Context, d *desktop.Desktop) ([]byte, error) {
	items, err := d.SecretSearch(ctx, map[string]string{"service": "stagedoor", "username": "audit/key"})
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, errors.New("the keyring has no audit key")
	}
	return hex.DecodeString(items[0].Secret)
}
