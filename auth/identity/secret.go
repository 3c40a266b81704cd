package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// ClientSecret is a client secret together with what it may be shown to, and with
// its age: whoever can write profiles.json must not be able to make it younger.
type ClientSecret struct {
	Value  secret.String
	For    Binding
	Stored time.Time // UTC; zero in an item of before ages were kept
	Ends   time.Time // UTC, the end that the user gave; zero if none
	Renew  Renewal
	// Next is a new one that the provider could not be asked about yet: many show one
	// only once.
	Next NextSecret
}

// NextSecret is a client secret that is to be tried.
type NextSecret struct {
	Value secret.String
	Ends  time.Time // UTC, the end that the user gave; zero if none
}

// Renewal says how a client secret is replaced without anybody asking for it. It is
// kept with the secret, because it names a program that is run.
type Renewal struct {
	Command string `json:"command,omitempty"` // a line for the system's shell, which prints the new secret; "" for never
	Days    int    `json:"days,omitempty"`    // how old the secret gets
}

// Replaced returns what is kept once value is stored. The same again gets no younger,
// and how it is renewed stays.
func (c ClientSecret) Replaced(value secret.String, at time.Time) ClientSecret {
	next := ClientSecret{Value: value, Stored: at, Renew: c.Renew}
	if value == c.Value && !c.Stored.IsZero() {
		next.Stored, next.Ends, next.Next = c.Stored, c.Ends, c.Next
	}
	return next
}

// storedSecret is the JSON document in the vault. Its field names are fixed.
type storedSecret struct {
	Version int       `json:"v"`
	Secret  string    `json:"client_secret"`
	For     Binding   `json:"for"`
	Stored  time.Time `json:"stored,omitzero"`
	Ends    time.Time `json:"ends,omitzero"`
	Renew   Renewal   `json:"renew,omitzero"`
	Next    string    `json:"next,omitempty"`
	NextEnd time.Time `json:"next_ends,omitzero"`
}

// Encode returns the item for the vault.
func (c ClientSecret) Encode() (secret.String, error) {
	data, err := json.Marshal(storedSecret{
		Version: 1, Secret: c.Value.Reveal(), For: c.For, Stored: c.Stored, Ends: c.Ends, Renew: c.Renew, Next: c.Next.Value.Reveal(), NextEnd: c.Next.Ends,
	})
	if err != nil {
		return "", fmt.Errorf("encode the client secret: %w", err)
	}
	return secret.String(data), nil
}

// DecodeClientSecret reads an item. What is no such document is a secret as it
// was stored before there were documents: bound to nothing.
func DecodeClientSecret(item secret.String) ClientSecret {
	var d storedSecret
	dec := json.NewDecoder(bytes.NewReader([]byte(item.Reveal())))
	dec.DisallowUnknownFields()
	if dec.Decode(&d) != nil || dec.More() || d.Version != 1 || d.Secret == "" {
		return ClientSecret{Value: item}
	}
	next := NextSecret{secret.String(d.Next), d.NextEnd}
	return ClientSecret{Value: secret.String(d.Secret), For: d.For, Stored: d.Stored, Ends: d.Ends, Renew: d.Renew, Next: next}
}
