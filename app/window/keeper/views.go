package keeper

import (
	"time"

	"github.com/stagedoor-app/stagedoor/auth/secret"
)

// Query selects events; see audit.Query.
type Query struct {
	Profile, Name, Outcome string
	Since, Until           time.Time
	Text                   string
	Limit                  int
}

// Report is the result of a verification; see audit.Report.
type Report struct {
	OK       bool
	Events   int
	Segments int
	Problem  string
}

// NewProfile is what a new profile is made from; see auth.NewProfile.
type NewProfile struct {
	Name, Provider, ClientID string
	ClientSecret             secret.String
	Issuer                   string
	AuthURL, TokenURL        string
	RevokeURL                string
}
