package identity

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// ClientSecret is a client secret together with what it may be shown to.
type ClientSecret struct {
	Value secret.String
	For   Binding
}

// storedSecret is the JSON document in the vault. Its field names are fixed.
type storedSecret struct {
	Version int     `json:"v"`
	Secret  string  `json:"client_secret"`
	For     Binding `json:"for"`
}

// Encode returns the item for the vault.
func (c ClientSecret) Encode() (secret.String, error) {
	data, err := json.Marshal(storedSecret{Version: 1, Secret: c.Value.Reveal(), For: c.For})
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
	return ClientSecret{Value: secret.String(d.Secret), For: d.For}
}
