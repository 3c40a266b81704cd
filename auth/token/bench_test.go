package token

import (
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// What a fresh token costs beyond the keychain's own time.
func BenchmarkFreshInMemory(b *testing.B) {
	v := &authtest.Vault{}
	s := &Service{Params: Params{Vault: v, Now: func() time.Time { return epoch }}}
	item, err := Set{Gen: 1, Access: "a", Refresh: "r", Issued: epoch, Expires: epoch.Add(time.Hour)}.encode()
	if err != nil {
		b.Fatal(err)
	}
	if err := v.Set(b.Context(), itemKey(profileID), item); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Fresh(b.Context(), Grant{ID: profileID}); err != nil {
			b.Fatal(err)
		}
	}
}

// The same from the encrypted file, opened before.
func BenchmarkFreshFromFile(b *testing.B) {
	r := newRig(b, authtest.Rotating)
	r.signIn()
	for b.Loop() {
		r.fresh()
	}
}

// A whole refresh: lock, intent, a request over the loopback, answer, vault,
// and the lines in the audit log, each on the disk.
func BenchmarkRefresh(b *testing.B) {
	r := newRig(b, authtest.Rotating)
	r.signIn()
	for b.Loop() {
		r.later()
		r.fresh()
	}
	b.ReportMetric(float64(r.server.Counts().Requests[authtest.Token]-1)/float64(b.N), "requests/op")
}

// Reading and writing the write-ahead file, without the disk.
func BenchmarkJournalRecord(b *testing.B) {
	key := make([]byte, walKeySize)
	set := Set{Gen: 2, Access: "a", Refresh: "r", Issued: epoch, Expires: epoch.Add(time.Hour)}
	for b.Loop() {
		r := record{Version: journalVersion, Gen: 1, At: epoch}
		if err := r.seal(key, profileID, set); err != nil {
			b.Fatal(err)
		}
		if _, err := r.open(key, profileID); err != nil {
			b.Fatal(err)
		}
	}
}
