//go:build e2e && linux

package e2e

import "testing"

// TestSpotifyDocument walks through "Enterprise Security Features" of the Spotify MCP server: a reader who types its
// examples, one after the other, sees what it promises.
func TestSpotifyDocument(t *testing.T) { walk(t, "spotify.txtar") }
