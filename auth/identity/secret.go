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
		next.Stored, next.Ends = c.Stored, c.Ends
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
}

// Encode returns the item for the vault.
func (c ClientSecret) Encode() (secret.String, error) {
	data, err := json.Marshal(storedSecret{Version: 1, Secret: c.Value.Reveal(), For: c.For, Stored: c.Stored, Ends: c.Ends, Renew: c.Renew})
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
	return ClientSecret{Value: secret.String(d.Secret), For: d.For, Stored: d.Stored, Ends: d.Ends, Renew: d.Renew}
}
