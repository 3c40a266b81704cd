package token

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Whatever is in a write-ahead file, reading it neither panics nor brings up
// tokens that the vault's key did not seal.
func FuzzJournal(f *testing.F) {
	key := bytes.Repeat([]byte{1}, walKeySize)
	good := record{Version: journalVersion, Gen: 3, Token: "00112233", At: epoch}
	intent, _ := json.Marshal(good)
	if err := good.seal(key, profileID, Set{Gen: 4, Access: "a", Refresh: "r"}); err != nil {
		f.Fatal(err)
	}
	answer, _ := json.Marshal(good)
	f.Add(intent)
	f.Add(answer)
	f.Add(answer[:len(answer)/2])
	f.Add([]byte(`{"v":1,"gen":18446744073709551615,"at":"2026-11-20T09:00:00Z","box":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data)
		if err != nil {
			return
		}
		if r.Gen == 0 || r.At.IsZero() {
			t.Fatalf("accepted %+v", r)
		}
		set, err := r.open(key, profileID)
		if err == nil && (set.Gen != 4 || set.Access != "a" || set.Refresh != "r") {
			t.Fatal("tokens from a box that was not sealed here")
		}
		if _, err := r.open(key, "another profile"); err == nil {
			t.Fatal("a box opened for another profile")
		}
	})
}

// A token set that decodes encodes to the same set again.
func FuzzSet(f *testing.F) {
	whole, err := Set{
		Gen: 1, Access: "a", Refresh: "r", Type: "Bearer", Scopes: []string{"read", "write"},
		Expires: epoch.Add(time.Hour), Issued: epoch, Authorized: epoch, Issuer: "https://op.example", Refused: true, Lost: true, Rotations: 2,
	}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Reveal())
	f.Add(`{"gen":1,"access_token":"a","expires_at":"0001-01-01T00:00:00Z","rotations":-9}`)
	f.Add(`{"gen":-1}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := decode(secret.String(text))
		if err != nil {
			return
		}
		item, err := set.encode()
		if err != nil {
			return // a year beyond 9999 reads and does not write
		}
		again, err := decode(item)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(set, again, cmp.Comparer(func(a, b secret.String) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
	})
}

// What is kept of an open revocation can be read, or there is nothing to
// revoke; it is never half of one.
func FuzzPending(f *testing.F) {
	p := pending{Since: epoch, Refresh: kept{"r"}, TokenURL: "https://op.example/token", RevocationURL: "https://op.example/revoke", ClientID: "c"}
	whole, err := json.Marshal([]pending{p, p})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(whole))
	f.Add(`[{"revocation":"x","refresh_token":""}]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range decodePending(secret.String(text)) {
			if p.RevocationURL == "" || p.Refresh.Empty() && p.Access.Empty() {
				t.Fatalf("half a revocation: %+v", p)
			}
		}
	})
}
