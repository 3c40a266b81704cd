package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// signedBy signs the claims of an ID token.
func signedBy(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, payload []byte) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func keySet(t *testing.T, keys ...jose.JSONWebKey) authtest.Answer {
	t.Helper()
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return authtest.Answer{Status: 200, Body: string(body)}
}

// An ID token whose signature is wrong is not taken. One that nothing can be checked
// of leaves the login as good as TLS makes it, and that is said.
func TestIDTokenIsSignedByTheProvider(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := func(key crypto.PublicKey, kid string) jose.JSONWebKey { return jose.JSONWebKey{Key: key, KeyID: kid} }
	ours := public(&ec.PublicKey, "k")
	signs := func(alg jose.SignatureAlgorithm, key any, kid string) func([]byte) string {
		return func(p []byte) string { return signedBy(t, alg, key, kid, p) }
	}
	const (
		good = iota
		unchecked
		refused
	)
	type answers = []authtest.Answer
	for name, c := range map[string]struct {
		token func(payload []byte) string // nil: the server's own
		keys  answers                     // none: the server's own
		want  int
		asked int
	}{
		"as it is":                          {nil, nil, good, 1},
		"RS256":                             {signs(jose.RS256, rsaKey, "k"), answers{keySet(t, public(&rsaKey.PublicKey, "k"))}, good, 1},
		"PS256":                             {signs(jose.PS256, rsaKey, "k"), answers{keySet(t, public(&rsaKey.PublicKey, "k"))}, good, 1},
		"EdDSA":                             {signs(jose.EdDSA, ed, "k"), answers{keySet(t, public(edPublic, "k"))}, good, 1},
		"without a kid":                     {signs(jose.ES256, ec, ""), answers{keySet(t, public(&rsaKey.PublicKey, "a"), ours)}, good, 1},
		"a key that is newer than the set":  {signs(jose.ES256, ec, "k"), answers{keySet(t, public(edPublic, "old")), keySet(t, ours)}, good, 2},
		"a key of a kind nobody knows, too": {signs(jose.ES256, ec, "k"), answers{{Status: 200, Body: strings.Replace(keySet(t, ours).Body, `[`, `[{"kty":"new"},7,`, 1)}}, good, 1},

		"another key of that name":       {signs(jose.ES256, ec, "1"), nil, refused, 1},
		"a name that stays unknown":      {signs(jose.ES256, ec, "k"), nil, unchecked, 2},
		"no key at all":                  {nil, answers{{Status: 200, Body: `{"keys":[]}`}, {Status: 200, Body: `{"keys":[]}`}}, unchecked, 2},
		"no signature":                   {func(p []byte) string { return unsigned(`{"alg":"none"}`, p) }, nil, good, 0},
		"no algorithm":                   {func(p []byte) string { return unsigned(`{}`, p) }, nil, good, 0},
		"an HMAC":                        {signs(jose.HS256, []byte("a secret that only the client has, 32"), "k"), nil, good, 0},
		"the key of an HMAC in the set":  {signs(jose.ES256, ec, "k"), answers{keySet(t, jose.JSONWebKey{Key: []byte("public, so it is worth nothing"), KeyID: "k"})}, refused, 1},
		"a key for encryption":           {signs(jose.ES256, ec, "k"), answers{keySet(t, jose.JSONWebKey{Key: &ec.PublicKey, KeyID: "k", Use: "enc"}), keySet(t)}, unchecked, 2},
		"a key for another algorithm":    {signs(jose.PS256, rsaKey, "k"), answers{keySet(t, jose.JSONWebKey{Key: &rsaKey.PublicKey, KeyID: "k", Algorithm: "RS256"}), keySet(t)}, unchecked, 2},
		"an RSA key of 16384 bits":       {signs(jose.RS256, rsaKey, "k"), answers{keySet(t, public(&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 16383), E: 65537}, "k")), keySet(t)}, unchecked, 2},
		"claims that were changed":       {func(p []byte) string { return spliced(signedBy(t, jose.ES256, ec, "k", []byte(`{"sub":"else"}`)), p) }, answers{keySet(t, ours)}, refused, 1},
		"a key that came with the token": {func(p []byte) string { return selfSigned(t, ec, p) }, nil, refused, 1},

		"keys that are gone":          {nil, answers{{Status: 404}}, unchecked, 1},
		"a provider in trouble":       {nil, answers{{Status: 503}}, unchecked, 1},
		"a connection that breaks":    {nil, answers{{Drop: true}, {Drop: true}}, unchecked, 2}, // a GET is tried again on a connection of its own
		"a page of a captive portal":  {nil, answers{{Status: 200, Body: "<html>"}}, unchecked, 1},
		"keys that are no list":       {nil, answers{{Status: 200, Body: `{"keys":{"kid":"1"}}`}}, unchecked, 1},
		"a set that has no end":       {nil, answers{{Status: 200, Body: `{"keys":[` + strings.Repeat(" ", 1<<20) + `]}`}}, unchecked, 1},
		"a redirect to somebody else": {nil, answers{{Status: 302, Header: map[string][]string{"Location": {"https://evil.example/"}}}}, unchecked, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, authtest.Params{})
			req := r.request()
			req.Scopes = []string{"openid"}
			p := r.start(req)
			payload, err := json.Marshal(map[string]any{
				"iss": r.server.Issuer(), "aud": "app", "sub": "user-1", "exp": r.clock.Now().Unix() + 600, "nonce": p.url.Query().Get("nonce"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if c.token != nil {
				id := c.token(payload)
				r.server.Script(authtest.Token, authtest.Answer{Process: true, Rewrite: edit(func(m map[string]any) { m["id_token"] = id })})
			}
			r.server.Script(authtest.Keys, c.keys...)
			p.answer(url.Values{"state": {p.state}, "code": {p.code()}, "iss": {r.server.Issuer()}})
			got, err := p.end()
			if n := r.server.Counts().Requests[authtest.Keys]; n != c.asked {
				t.Errorf("the keys were asked for %d times, want %d", n, c.asked)
			}
			if c.want == refused {
				wantError(t, err, oauth.ErrIDToken)
				return
			}
			if err != nil || got.Subject != "user-1" || got.Unchecked != (c.want == unchecked) {
				t.Errorf("subject %q, unchecked %v, error %v", got.Subject, got.Unchecked, err)
			}
		})
	}
}

func unsigned(header string, payload []byte) string {
	b64 := base64.RawURLEncoding
	return b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(payload) + ".c2ln"
}

// spliced puts other claims between a header and its signature.
func spliced(token string, payload []byte) string {
	parts := strings.Split(token, ".")
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + parts[2]
}

// selfSigned brings its key along.
func selfSigned(t *testing.T, key *ecdsa.PrivateKey, payload []byte) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
