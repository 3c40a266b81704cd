package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// keySize is the length of the MAC key in bytes.
const keySize = 32

// Link is what a line names as prev: 64 hex digits.
type Link [hexLen]byte

// Chain is a place in the log: behind the line with that number, which the next
// line must name by that link.
type Chain struct {
	Seq  uint64
	Link Link
}

// Start is the place before the first line of all.
var Start = NewChain(0, []byte(strings.Repeat("0", hexLen)))

// NewChain is the place behind a line with that number and link.
func NewChain(seq uint64, link []byte) Chain {
	c := Chain{Seq: seq}
	copy(c.Link[:], link)
	return c
}

// Leads reports whether l can stand at c: the numbers go on by one, except where
// the log was accepted after tampering. Whether l is genuine, Seals tells.
func (c Chain) Leads(l Line) bool {
	return string(l.Prev) == string(c.Link[:]) && (l.Seq == c.Seq+1 || l.Seq > c.Seq && l.MAC != nil && l.Is(LogAccepted))
}

// IsFresh reports whether l, which must be genuine, begins a log whose former
// lines were all set aside by Restart.
func (l Line) IsFresh() bool { return string(l.Prev) == string(Start.Link[:]) && l.Is(LogAccepted) }

// Before is the place at which l says that it stands.
func (l Line) Before() Chain { return NewChain(l.Seq-1, l.Prev) }

// After is the place behind l. Its link is l's MAC, or, if it has none, the
// SHA-256 of its bytes: so an unsealed line cannot be changed any more once a
// sealed line follows it.
func (l Line) After() Chain {
	c := Chain{Seq: l.Seq}
	if l.MAC != nil {
		copy(c.Link[:], l.MAC)
		return c
	}
	sum := sha256.Sum256(l.Text)
	hex.Encode(c.Link[:], sum[:])
	return c
}

// Sealer makes and checks MACs. It is for one goroutine at a time.
type Sealer struct {
	key []byte
	h   hash.Hash // HMAC-SHA256
	sum [sha256.Size]byte
	hex Link
}

// NewSealer returns a Sealer for a key of 32 bytes.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("the audit key has %d bytes instead of %d", len(key), keySize)
	}
	return &Sealer{key: bytes.Clone(key), h: hmac.New(sha256.New, key)}, nil
}

var closing = []byte("}")

// mac returns HMAC-SHA256(key, prev ‖ line without its "mac" member), in hex.
// prev goes in as its 64 hex digits, and the line without the member is signed
// and a closing brace: anyone with the key can check a line with a few lines of
// script. The result is overwritten by the next call.
func (s *Sealer) mac(prev, signed []byte) []byte {
	s.h.Reset()
	s.h.Write(prev)
	s.h.Write(signed)
	s.h.Write(closing)
	hex.Encode(s.hex[:], s.h.Sum(s.sum[:0]))
	return s.hex[:]
}

// Seals reports whether l carries the MAC that this key makes for it.
func (s *Sealer) Seals(l Line) bool {
	return l.MAC != nil && hmac.Equal(s.mac(l.Prev, l.Text[:l.body+len(headPrev)+hexLen+1]), l.MAC)
}

// SigningKey derives the Ed25519 key that signs copies of a log with that MAC
// key. One cannot be told from the other.
func SigningKey(key []byte) ed25519.PrivateKey {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("stagedoor audit bundle signature, ed25519 seed"))
	return ed25519.NewKeyFromSeed(m.Sum(nil))
}

// PublicKey returns the public part of SigningKey, in hex.
func PublicKey(key []byte) string {
	public, _ := SigningKey(key).Public().(ed25519.PublicKey)
	return hex.EncodeToString(public)
}
