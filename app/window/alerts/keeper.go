package alerts

import (
	"context"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
)

// Keeper is what the window needs of auth.Keeper. Its methods may block and are
// safe for concurrent use.
type Keeper interface {
	// Watch signals each change that any process made, until ctx ends.
	Watch(ctx context.Context) (<-chan struct{}, error)
	ProfileNames(ctx context.Context) (map[string]string, error)
	// Alerts returns all alerts, acknowledged and resolved ones included, the
	// worst first.
	Alerts(ctx context.Context) ([]alert.Alert, error)
	// Incidents returns the incidents there were, the oldest first; UpdateIncident
	// moves one on.
	Incidents(ctx context.Context) ([]auth.Incident, error)
	UpdateIncident(ctx context.Context, id string, status auth.IncidentStatus, note string) error
	// Evidence returns the events behind an alert, oldest first.
	Evidence(ctx context.Context, a alert.Alert) ([]audit.Event, error)
	// Events finds the note that an alert was acknowledged with.
	Events(ctx context.Context, q audit.Query) ([]audit.Event, error)
	AckAlert(ctx context.Context, id, note string) error
}
