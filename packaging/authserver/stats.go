package authserver

import (
	"context"
	"maps"
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
