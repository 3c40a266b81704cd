package oauth

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// signatureAlgorithms are those that a published key can check (RFC 7518 section
// 3.1, RFC 8037).
var signatureAlgorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// maxRSA is the longest modulus that is worth computing with, in bits.
const maxRSA = 8192

// checkSignature checks an ID token's signature with the keys that the provider
// publishes, if it says where (OpenID Connect Core section 3.1.3.7). A key that is
// not among them is looked for once more, since it may be newer.
//
// unchecked is true if the keys cannot be had, or none of them is the one that signed.
// The connection to the token endpoint has then said alone who is speaking, as the
// same section allows. So it is with a client that is registered for "none" or an
// HMAC, which no published key could check. A signature that is wrong is an error.
func (w *Wire) checkSignature(ctx context.Context, jwks string, id secret.String) (unchecked bool, err error) {
	if jwks == "" {
		return false, nil
	}
	signed, err := jose.ParseSignedCompact(id.Reveal(), signatureAlgorithms)
	if err != nil {
		return false, nil //nolint:nilerr // there is nothing to check
	}
	header := signed.Signatures[0].Header
	for found, asked := false, 0; !found && asked < 2; asked++ {
		keys, failed := w.keySet(ctx, jwks)
		if failed != nil {
			return true, nil //nolint:nilerr // told to the caller, who may go on
		}
		for _, key := range keys {
			if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
				continue
			}
			found = true
			if _, wrong := signed.Verify(key); wrong == nil {
				return false, nil
			}
		}
		if found {
			return false, fmt.Errorf("%w: its signature is not the provider's", ErrIDToken)
		}
	}
	return true, nil
}

// keySet asks for a JSON Web Key Set (RFC 7517 section 5). Keys that are not
// understood, or not for signatures, are left out.
func (w *Wire) keySet(ctx context.Context, jwks string) (keys []jose.JSONWebKey, err error) {
	a, err := w.send(ctx, "key set request", http.MethodGet, jwks, http.Header{"Accept": {"application/jwk-set+json, application/json;q=0.9"}}, "")
	if err != nil {
		return nil, err
	}
	o, err := a.object(w.now())
	if err != nil {
		return nil, err
	}
	var all []json.RawMessage
	if json.Unmarshal(o["keys"].raw, &all) != nil {
		return nil, a.malformed("the answer is no key set")
	}
	for _, raw := range all {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) != nil || !slices.Contains([]string{"", "sig"}, key.Use) {
			continue
		}
		if k, ok := key.Key.(*rsa.PublicKey); ok && k.N.BitLen() > maxRSA {
			continue
		}
		keys = append(keys, key)
	}
	return keys, nil
}
