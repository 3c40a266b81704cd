package audit

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// keySize is the length of the MAC key in bytes.
const keySize = 32

// origin is what the first line of all names as the line before it.
var origin = strings.Repeat("0", hexLen)

// sealer makes and checks MACs. It is for one goroutine at a time.
//
// It is HMAC-SHA256 as in RFC 2104, section 4: the states of the hash after the
// two key blocks are computed once, and each MAC starts from copies of them.
// crypto/hmac does the same but takes what to hash in one piece at a time with
// its bookkeeping around it; a line is short, so that would be a third of the
// time of a verification.
type sealer struct {
	h            hash.Hash
	state        encoding.BinaryUnmarshaler // h, to put it into a state
	inner, outer []byte                     // its states after the key blocks
	sum          [sha256.Size]byte
	hex          [hexLen]byte
}

func newSealer(key []byte) (*sealer, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("the audit key has %d bytes instead of %d", len(key), keySize)
	}
	s := &sealer{h: sha256.New()}
	var ok bool
	if s.state, ok = s.h.(encoding.BinaryUnmarshaler); !ok {
		return nil, errors.New("this SHA-256 cannot be put into a state")
	}
	var err error
	if s.inner, err = s.after(key, 0x36); err == nil {
		s.outer, err = s.after(key, 0x5c)
	}
	return s, err
}

// after returns the hash's state after the key block with that padding.
func (s *sealer) after(key []byte, padding byte) ([]byte, error) {
	var block [sha256.BlockSize]byte
	copy(block[:], key)
	for i := range block {
		block[i] ^= padding
	}
	s.h.Reset()
	s.h.Write(block[:])
	m, ok := s.h.(encoding.BinaryMarshaler)
	if !ok {
		return nil, errors.New("this SHA-256 does not tell its state")
	}
	return m.MarshalBinary()
}

var closing = []byte("}")

// mac returns HMAC-SHA256(key, prev ‖ line without its "mac" member), in hex.
// prev goes in as its 64 hex digits, and the line without the member is signed
// and a closing brace: anyone with the key can check a line with a few lines of
// script. The result is overwritten by the next call.
func (s *sealer) mac(prev, signed []byte) []byte {
	s.start(s.inner)
	s.h.Write(prev)
	s.h.Write(signed)
	s.h.Write(closing)
	sum := s.h.Sum(s.sum[:0])
	s.start(s.outer)
	s.h.Write(sum)
	hex.Encode(s.hex[:], s.h.Sum(s.sum[:0]))
	return s.hex[:]
}

func (s *sealer) start(state []byte) {
	if err := s.state.UnmarshalBinary(state); err != nil {
		panic("audit: SHA-256 does not take its own state: " + err.Error())
	}
}

// seals reports whether f carries the MAC that this key makes for it.
func (s *sealer) seals(f frame) bool {
	return f.mac != nil && equal(s.mac(f.prev, f.signed()), f.mac)
}

// signed is the line up to its "mac" member.
func (f frame) signed() []byte { return f.bytes[:len(f.body)+len(headPrev)+hexLen+1] }

// equal compares 64 hex digits, in a time that does not depend on what they are.
func equal(a, b []byte) bool {
	if len(a) != hexLen || len(b) != hexLen {
		return false
	}
	var diff uint64
	for i := 0; i < hexLen; i += 8 {
		diff |= binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:])
	}
	return diff == 0
}

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
