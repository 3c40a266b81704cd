package token

import (
	"testing"
	"time"
)

// A token is renewed while it surely lives: a provider that counts from the
// beginning of the second ends it up to a second before it seems to end.
func TestTokenIsRenewedInTime(t *testing.T) {
	issued := time.Unix(1_800_000_000, 0)
	for life, left := range map[time.Duration]time.Duration{
		time.Hour: time.Minute, 5 * time.Minute: 30 * time.Second, // the longer, the surer
		20 * time.Second: 4 * time.Second, 6 * time.Second: 4 * time.Second, 3 * time.Second: 2 * time.Second,
		time.Second: time.Second * 2 / 3, // it is fresh at first
	} {
		set := Set{Issued: issued, Expires: issued.Add(life), Access: "made-up"}
		if got := set.Expires.Sub(set.Renews()); got != left {
			t.Errorf("a token of %v is renewed with %v left, want %v", life, got, left)
		}
		if !set.Fresh(issued) {
			t.Errorf("a token of %v is never fresh", life)
		}
	}
}
