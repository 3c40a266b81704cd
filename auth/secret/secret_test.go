package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// A token that reaches a log line, an error text or a JSON answer is lost to
// whoever reads it there; no way of printing one may show it.
func TestNeverPrints(t *testing.T) {
	const canary = "canary-5f0c"
	s := secret.String(canary)
	holder := struct {
		Token secret.String
		Ptr   *secret.String
	}{s, &s}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", s, holder)
	}
	fmt.Fprintln(&out, s, holder, []secret.String{s}, map[string]secret.String{"k": s})
	fmt.Fprintln(&out, fmt.Errorf("failed with %v: %w", s, fmt.Errorf("%s", s)))
	if err := json.NewEncoder(&out).Encode(holder); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "token", s, "holder", holder)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "token", s, "holder", holder)

	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
		t.Fatalf("the secret was printed:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Fatal("a redacted secret should say so")
	}
}

func TestFingerprint(t *testing.T) {
	k1, k2 := []byte("key one"), []byte("key two")
	a, b := secret.String("token-a"), secret.String("token-b")
	if a.Fingerprint(k1) == b.Fingerprint(k1) {
		t.Error("two tokens share a fingerprint")
	}
	if a.Fingerprint(k1) == a.Fingerprint(k2) {
		t.Error("the fingerprint does not depend on the key, so it can be guessed offline")
	}
	if got := secret.String("").Fingerprint(k1); got != "" {
		t.Errorf("no secret has fingerprint %q, want none", got)
	}
}
