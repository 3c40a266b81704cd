package authserver

import (
	"context"
	"maps"
	"time"
)

// Outcomes counts the answers of one endpoint: "ok", or the OAuth error code of RFC 6749 §5.2.
type Outcomes map[string]int

// Total is the number of answers of any kind.
func (o Outcomes) Total() int {
	n := 0
	for v := range maps.Values(o) {
		n += v
	}
	return n
}

// Stats is what the server has answered since its start or the last ResetStats.
type Stats struct {
	// Token is keyed by grant type; "forced" holds the failures that a test asked for.
	Token               map[string]Outcomes `json:"token"`
	Revocation          Outcomes            `json:"revocation"`
	Introspection       Outcomes            `json:"introspection"`
	Userinfo            Outcomes            `json:"userinfo"`
	DeviceAuthorization Outcomes            `json:"device_authorization"`
	Registration        Outcomes            `json:"registration"`
	// History is the calls about refresh tokens, in the order of their answers.
	History []Call `json:"history"`
}

// Call is a token request that concerns a refresh token, or the revocation of one.
type Call struct {
	What      string    `json:"what"`      // the grant type, or "revocation"
	Token     string    `json:"token"`     // fingerprint of the refresh token that was sent, or ""
	Issued    string    `json:"issued"`    // fingerprint of the one that was given, or ""
	Outcome   string    `json:"outcome"`   // as in Outcomes
	At        time.Time `json:"at"`        // of the answer
	PID       int       `json:"pid"`       // who asked for tokens, or 0 if it had ended before that was known
	Delivered bool      `json:"delivered"` // the operating system took the whole answer
}

// Refreshes are the outcomes of refresh_token grants.
func (s Stats) Refreshes() Outcomes { return s.Token["refresh_token"] }

// Logins are the outcomes of authorization_code grants.
func (s Stats) Logins() Outcomes { return s.Token["authorization_code"] }

// Stats reads the counters.
func (s *Server) Stats(ctx context.Context) (Stats, error) {
	var stats Stats
	err := s.control(ctx, "stats", nil, &stats)
	return stats, err
}

// ResetStats sets all counters to zero.
func (s *Server) ResetStats(ctx context.Context) error {
	return s.control(ctx, "reset", nil, nil)
}
