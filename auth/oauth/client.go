package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// ClientAuth is how the client shows the token endpoint who it is.
type ClientAuth string

// The methods of RFC 6749 section 2.3.1, and none for a public client.
const (
	None  ClientAuth = "none"
	Basic ClientAuth = "client_secret_basic"
	Post  ClientAuth = "client_secret_post"
)

// Client is the registration at the authorization server that Stagedoor uses.
type Client struct {
	ID     string
	Secret secret.String // empty for a public client
	// Auth is the method. Empty means None without a secret and Basic with one.
	Auth ClientAuth
	// Guessed says that nobody has named the method. A login whose first request is
	// refused because of the client then sends it once more with the secret in the
	// body: a server that does not know the client has not looked at the code.
	Guessed bool
}

// method returns the method in force.
func (c Client) method() ClientAuth {
	switch {
	case c.Auth != "":
		return c.Auth
	case c.Secret.Empty():
		return None
	}
	return Basic
}

// Validate reports whether the id, the secret and the method go together.
func (c Client) Validate() error {
	if c.ID == "" {
		return errors.New("the client id is empty")
	}
	if !printable(c.ID) {
		return errors.New("the client id has characters in it that no client id can have")
	}
	switch m := c.method(); {
	case m != None && m != Basic && m != Post:
		return fmt.Errorf("client authentication %q is not supported", m)
	case m == None && !c.Secret.Empty():
		return errors.New("a client with a secret cannot use client authentication none")
	case m != None && c.Secret.Empty():
		return fmt.Errorf("client authentication %s needs a client secret", m)
	}
	return nil
}

// sign adds what the client shows of itself to a form or a header, never to a
// URL.
func (c Client) sign(form url.Values, header http.Header) {
	switch c.method() {
	case Basic:
		// RFC 6749 section 2.3.1: both parts are form-encoded first.
		r := http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret.Reveal()))
	case Post:
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret.Reveal())
	default:
		form.Set("client_id", c.ID)
	}
}

// printable reports whether s is made of the characters that RFC 6749 appendix
// A allows in client ids, codes and tokens: visible ASCII and the space.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0
}
