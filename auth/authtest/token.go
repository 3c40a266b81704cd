package authtest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// serveToken is the token endpoint (RFC 6749 section 3.2).
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	client, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		s.redeem(w, r, client)
	case "refresh_token":
		s.renew(w, r, client)
	case deviceGrantType:
		s.redeemDevice(w, r, client)
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
	}
}

// redeem trades a code, once, for whoever knows the verifier. s.mu is held.
func (s *Server) redeem(w http.ResponseWriter, r *http.Request, client Client) {
	c := s.codes[r.PostFormValue("code")]
	if c != nil && c.grant != nil {
		// RFC 6749 section 4.1.2: a code that comes twice ends the grant.
		s.counts.Reuse++
		c.grant.revoked = true
	}
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if c == nil || c.grant != nil || c.client != client.ID || c.redirect != r.PostFormValue("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge || s.Now().Sub(c.issued) > codeLifetime {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	c.grant = &grant{client: client.ID, account: c.account, scopes: c.scopes, resource: c.resource}
	s.grants = append(s.grants, c.grant)
	s.issue(w, c.grant, c.scopes, s.newRefresh(c.grant), c.nonce)
}

// renew trades a refresh token. s.mu is held.
func (s *Server) renew(w http.ResponseWriter, r *http.Request, client Client) {
	key := r.PostFormValue("refresh_token")
	t := s.refresh[key]
	again := t != nil && t.spent && s.Now().Sub(t.spentAt) < s.Grace
	if t != nil && t.spent && !again {
		s.counts.Reuse++
		if s.Rotation == FamilyRevoking {
			t.grant.revoked = true
		}
	}
	if t == nil || t.spent && !again || t.revoked || t.grant.revoked || t.client != client.ID {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	scopes := t.scopes
	if asked := strings.Fields(r.PostFormValue("scope")); len(asked) > 0 {
		if slices.ContainsFunc(asked, func(x string) bool { return !slices.Contains(t.scopes, x) }) {
			refuse(w, http.StatusBadRequest, "invalid_scope")
			return
		}
		scopes = asked
	}
	if s.Rotation != Static && !again {
		t.spent, t.spentAt = true, s.Now()
		t.next = s.newRefresh(t.grant)
	}
	s.issue(w, t.grant, scopes, t.next, "")
}

func (s *Server) newRefresh(g *grant) string {
	key := "refresh-" + rand.Text()
	s.refresh[key] = &refreshToken{grant: g}
	return key
}

// issue writes a token response (RFC 6749 section 5.1). s.mu is held.
func (s *Server) issue(w http.ResponseWriter, g *grant, scopes []string, refresh, nonce string) {
	now := s.Now()
	key := "access-" + rand.Text()
	s.access[key] = &accessToken{grant: g, expires: now.Add(s.TTL)}
	s.counts.Issued++
	body := map[string]any{
		"access_token": key,
		"token_type":   "Bearer",
		"expires_in":   int64(s.TTL / time.Second),
		"scope":        strings.Join(scopes, " "),
	}
	if refresh != "" {
		body["refresh_token"] = refresh
	}
	if slices.Contains(scopes, "openid") {
		id, err := s.idToken(g, nonce, now)
		if err != nil {
			refuse(w, http.StatusInternalServerError, "server_error")
			return
		}
		body["id_token"] = id
	}
	writeJSON(w, http.StatusOK, body)
}

// serveRevoke is the revocation endpoint (RFC 7009): 200 for every token,
// known or not; revoking a refresh token ends its grant.
func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request) {
	client, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.PostFormValue("token")
	if key == "" {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	if t := s.refresh[key]; t != nil && t.client == client.ID {
		t.revoked, t.grant.revoked = true, true
		s.revokeApp(t.grant)
	}
	if t := s.access[key]; t != nil && t.client == client.ID {
		t.revoked = true
		s.revokeApp(t.grant)
	}
	w.WriteHeader(http.StatusOK)
}

// revokeApp ends the other grants of the account, where the server does that.
// s.mu is held.
func (s *Server) revokeApp(revoked *grant) {
	for _, g := range s.grants {
		if s.RevokesApp && g.client == revoked.client && g.account.Subject == revoked.account.Subject {
			g.revoked = true
		}
	}
}

// authenticate finds out which client is speaking (RFC 6749 section 2.3.1).
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) (Client, bool) {
	if err := r.ParseForm(); err != nil || repeated(r.PostForm) {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return Client{}, false
	}
	id, given := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		if id != "" && id != user || given != "" {
			refuse(w, http.StatusBadRequest, "invalid_request")
			return Client{}, false
		}
		id, _ = url.QueryUnescape(user)
		given, _ = url.QueryUnescape(password)
	}
	c, ok := s.client(id)
	if !ok || subtle.ConstantTimeCompare([]byte(c.Secret.Reveal()), []byte(given)) != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`)
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return Client{}, false
	}
	return c, true
}

func repeated(form url.Values) bool {
	for name, values := range form {
		if len(values) > 1 && name != "resource" {
			return true
		}
	}
	return false
}

func refuse(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]any{"error": code, "error_description": "the scripted server says no"})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
