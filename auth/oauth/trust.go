package oauth

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Trust says whose certificates are believed of a provider that the user runs: the
// system's if it is empty. It is text, as it is kept: a line "sha256/BASE64" for
// each key of which one has to be in the chain, the hash of its
// SubjectPublicKeyInfo (RFC 7469 section 2.4), and then as PEM the certificates
// that take the place of the system's.
type Trust string

// maxTrust bounds it, in bytes.
const maxTrust = 64 << 10

const pemBegins = "-----BEGIN"

// NewTrust makes a Trust of roots as PEM, or "", and pins, or says what is wrong
// with them.
func NewTrust(roots string, pins []string) (Trust, error) {
	text := strings.Join(pins, "\n")
	if roots != "" {
		at := strings.Index(roots, pemBegins)
		if at < 0 {
			return "", errors.New("there is no certificate in the PEM format")
		}
		text = strings.TrimPrefix(text+"\n"+strings.TrimSpace(roots[at:])+"\n", "\n")
	}
	t := Trust(text)
	_, err := t.config()
	return t, err
}

// Check reports whether it is one that NewTrust made.
func (t Trust) Check() error {
	_, err := t.config()
	return err
}

// Names are its pins, and the subjects of its certificates, for people.
func (t Trust) Names() (pins, subjects []string) {
	keys, roots, has := strings.Cut(string(t), pemBegins)
	for block, rest := pem.Decode([]byte(pemBegins + roots)); has && block != nil; block, rest = pem.Decode(rest) {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			subjects = append(subjects, text.Name(cert.Subject.String()))
		}
	}
	return strings.Fields(keys), subjects
}

// config is the TLS configuration of requests to the provider.
func (t Trust) config() (*tls.Config, error) {
	pins, roots, hasRoots := strings.Cut(string(t), pemBegins)
	if len(t) > maxTrust {
		return nil, errors.New("the certificates take more than 64 KiB")
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	var keys []string
	for _, pin := range strings.Fields(pins) {
		hash, ok := strings.CutPrefix(pin, "sha256/")
		sum, err := base64.StdEncoding.DecodeString(hash)
		if !ok || err != nil || len(sum) != sha256.Size {
			return nil, errors.New("a pin is sha256/ and 44 characters of base64")
		}
		keys = append(keys, string(sum))
	}
	if hasRoots {
		c.RootCAs = x509.NewCertPool()
		for rest := []byte(pemBegins + roots); len(strings.TrimSpace(string(rest))) > 0; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
				return nil, errors.New("there is something else than certificates in it")
			}
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, errors.New("a certificate in it cannot be read")
			}
			c.RootCAs.AddCert(cert)
		}
	}
	if len(keys) > 0 {
		c.VerifyConnection = func(s tls.ConnectionState) error { // called once the chain has been verified
			for _, cert := range slices.Concat(s.VerifiedChains...) {
				if sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo); slices.Contains(keys, string(sum[:])) {
					return nil
				}
			}
			return ErrPin
		}
	}
	return c, nil
}

// Trusting returns the wire to a provider of that trust. Nothing is sent if its
// transport is not one that can be told.
func (w *Wire) Trusting(t Trust) *Wire {
	if t == "" {
		return w
	}
	own, client := *w, *w.http
	c, err := t.config()
	if client.Transport = WithTLS(client.Transport, c); err != nil || client.Transport == nil {
		client.Transport = refusing{ErrPin}
	}
	own.http = &client
	return &own
}

// WithTLS returns a transport like base, nil being the default one, with a TLS
// configuration of its own: base's WithTLS if it has such a method. It is nil if
// base is of a kind that nobody knows.
func WithTLS(base http.RoundTripper, c *tls.Config) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	switch base := base.(type) {
	case interface {
		WithTLS(c *tls.Config) http.RoundTripper
	}:
		return base.WithTLS(c)
	case *http.Transport:
		own := base.Clone()
		own.TLSClientConfig, own.DisableKeepAlives = c, true // nobody closes what it keeps
		return own
	}
	return nil
}

type refusing struct{ error }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.error }
