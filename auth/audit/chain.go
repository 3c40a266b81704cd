package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// keySize is the length of the MAC key in bytes.
const keySize = 32

// origin is what the first line of all names as the line before it.
var origin = strings.Repeat("0", hexLen)

// sealer makes and checks MACs. It is for one goroutine at a time.
type sealer struct {
	key []byte
	h   hash.Hash // HMAC-SHA256
	sum [sha256.Size]byte
	hex [hexLen]byte
}

func newSealer(key []byte) (*sealer, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("the audit key has %d bytes instead of %d", len(key), keySize)
	}
	return &sealer{key: bytes.Clone(key), h: hmac.New(sha256.New, key)}, nil
}

var closing = []byte("}")

// mac returns HMAC-SHA256(key, prev ‖ line without its "mac" member), in hex.
// prev goes in as its 64 hex digits, and the line without the member is signed
// and a closing brace: anyone with the key can check a line with a few lines of
// script. The result is overwritten by the next call.
func (s *sealer) mac(prev, signed []byte) []byte {
	s.h.Reset()
	s.h.Write(prev)
	s.h.Write(signed)
	s.h.Write(closing)
	hex.Encode(s.hex[:], s.h.Sum(s.sum[:0]))
	return s.hex[:]
}

// seals reports whether f carries the MAC that this key makes for it.
func (s *sealer) seals(f frame) bool {
	return f.mac != nil && hmac.Equal(s.mac(f.prev, f.signed()), f.mac)
}

// signed is the line up to its "mac" member.
func (f frame) signed() []byte { return f.bytes[:len(f.body)+len(headPrev)+hexLen+1] }

// link is what the line after f must name as prev: f's MAC, or, if it has
// none, the SHA-256 of its bytes. So an unsealed line cannot be changed any
// more once a sealed line follows it.
func (f frame) link() string {
	l := f.appendLink(nil)
	return string(l)
}

// appendLink is link without a new string for each line.
func (f frame) appendLink(b []byte) []byte {
	if f.mac != nil {
		return append(b, f.mac...)
	}
	sum := sha256.Sum256(f.bytes)
	return hex.AppendEncode(b, sum[:])
}
