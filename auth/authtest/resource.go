package authtest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// EditMetadata has the metadata changed before it is sent. Nil stops it.
func (s *Server) EditMetadata(edit func(map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metadata = edit
}

// serveMetadata answers OpenID Connect Discovery and RFC 8414 alike.
func (s *Server) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	e := s.Endpoints()
	m := map[string]any{
		"issuer":                                e.Issuer,
		"authorization_endpoint":                e.Authorization,
		"token_endpoint":                        e.Token,
		"userinfo_endpoint":                     e.UserInfo,
		"jwks_uri":                              e.JWKS,
		"response_types_supported":              []string{"code"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": e.AuthMethods,
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	}
	if e.Revocation != "" {
		m["revocation_endpoint"] = e.Revocation
	}
	if e.DeviceAuthorization != "" {
		m["device_authorization_endpoint"] = e.DeviceAuthorization
		m["grant_types_supported"] = []string{"authorization_code", "refresh_token", deviceGrantType}
	}
	if e.IssParameter {
		m["authorization_response_iss_parameter_supported"] = true
	}
	if len(s.Scopes) > 0 {
		m["scopes_supported"] = s.Scopes
	}
	s.mu.Lock()
	edit := s.metadata
	s.mu.Unlock()
	if edit != nil {
		edit(m)
	}
	writeJSON(w, http.StatusOK, m)
}

// bearer returns the grant of the request's access token (RFC 6750).
func (s *Server) bearer(w http.ResponseWriter, r *http.Request) (*grant, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.access[token]
	if !ok || t == nil || t.revoked || t.grant.revoked || !s.Now().Before(t.expires) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return nil, false
	}
	return t.grant, true
}

func (s *Server) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	g, ok := s.bearer(w, r)
	if !ok {
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"sub": g.account.Subject, "name": g.account.Name, "email": g.account.Email})
}

// serveAPI answers as music services do: with "id" and "display_name".
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	g, ok := s.bearer(w, r)
	if !ok {
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": g.account.Subject, "display_name": g.account.Name, "email": g.account.Email})
}

// idToken makes a signed ID token (OpenID Connect Core section 2).
func (s *Server) idToken(g *grant, nonce string, now time.Time) (string, error) {
	claims := map[string]any{
		"iss": s.issuer, "sub": g.account.Subject, "aud": g.client,
		"iat": now.Unix(), "exp": now.Add(s.TTL).Unix(),
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString([]byte(`{"alg":"ES256","kid":"1","typ":"JWT"}`)) + "." + b64.EncodeToString(payload)
	digest := sha256.Sum256([]byte(signed))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		return "", err
	}
	signature := slices.Concat(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32)))
	return signed + "." + b64.EncodeToString(signature), nil
}

func (s *Server) serveKeys(w http.ResponseWriter, _ *http.Request) {
	point, err := s.key.PublicKey.Bytes() // 4, then x and y of 32 bytes each
	if err != nil {
		refuse(w, http.StatusInternalServerError, "server_error")
		return
	}
	b64 := base64.RawURLEncoding
	writeJSON(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
		"x": b64.EncodeToString(point[1:33]), "y": b64.EncodeToString(point[33:]),
	}}})
}
