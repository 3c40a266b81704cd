// Package secret has the type that every token, client secret and passphrase
// travels in. It prints as "[redacted]" under every formatting verb, JSON,
// text encodings and slog, so a secret reaches a log or an error only where
// somebody wrote Reveal, and those places can be counted.
package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// String is a secret value. The zero value is "no secret".
type String string

// Reveal returns the secret itself. Call it only where the value goes to the
// keychain, to the provider, or to the process that the user asked to have it.
func (s String) Reveal() string { return string(s) }

// Empty reports whether there is no secret.
func (s String) Empty() bool { return s == "" }

// Format prints "[redacted]" for every verb, %#v and %x included.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String implements fmt.Stringer for callers that bypass Format.
func (s String) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (s String) GoString() string { return redacted }

// MarshalText keeps secrets out of JSON, YAML and anything else that encodes
// through encoding.TextMarshaler. What must be stored is revealed by hand.
func (s String) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(redacted) }

// Fingerprint returns the first 16 hex digits of HMAC-SHA256(key, secret).
// It tells two secrets apart without telling anything about either to somebody
// who does not hold the key; a suffix of the token itself, as some tools log,
// would hand out real characters of it. An empty secret has no fingerprint.
func (s String) Fingerprint(key []byte) string {
	if s == "" {
		return ""
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(s))
	return hex.EncodeToString(m.Sum(nil))[:16]
}
