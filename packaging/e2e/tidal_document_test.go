//go:build e2e && linux

package e2e

import "testing"

// TestTidalDocument walks through "Security Policy" of the TIDAL MCP server: what it asks of a user is typed, and what
// it asks of the program is looked at.
func TestTidalDocument(t *testing.T) { walk(t, "tidal.txtar") }
