package authtest

import "github.com/stagedoor-app/stagedoor/auth/secret"

// ExpireAll makes every access token end now. Refresh tokens stay good.
func (s *Server) ExpireAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	for _, t := range s.access {
		t.expires = now
	}
}

// RevokeAll ends every grant, as a user does on the provider's apps page.
func (s *Server) RevokeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.grants {
		g.revoked = true
	}
}

// SetClientSecret replaces a client's secret, as a user does on the developer page.
// Nothing may be asked of the server meanwhile.
func (s *Server) SetClientSecret(id string, value secret.String) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.Clients {
		if s.Clients[i].ID == id {
			s.Clients[i].Secret = value
		}
	}
}

// AccessValid reports whether the API would take the access token.
func (s *Server) AccessValid(token secret.String) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.access[token.Reveal()]
	return t != nil && !t.revoked && !t.grant.revoked && s.Now().Before(t.expires)
}

// RefreshValid reports whether the token endpoint would take the refresh token.
// Asking does not count as use.
func (s *Server) RefreshValid(token secret.String) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.refresh[token.Reveal()]
	return t != nil && !t.spent && !t.revoked && !t.grant.revoked
}
