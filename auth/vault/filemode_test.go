package vault

import (
	"os"
	"testing"
)

// A key that others can read is refused; one that a container's platform mounted, whose
// mode nobody in the container can change, is not.
func TestWhoMayReadAKey(t *testing.T) {
	const us = 65532
	for name, c := range map[string]struct {
		path      string
		mode      os.FileMode
		owner, us int
		ok        bool
	}{
		"ours alone":                         {"/keys/k", 0o600, us, us, true},
		"ours, and a group's":                {"/keys/k", 0o640, us, us, false},
		"Kubernetes with fsGroup":            {"/keys/..2026/k", 0o440, 0, us, true},
		"Kubernetes without fsGroup":         {"/keys/..2026/k", 0o644, 0, us, false},
		"written by a group":                 {"/keys/k", 0o660, 0, us, false},
		"of another user":                    {"/keys/k", 0o640, 1000, us, false},
		"of root for root":                   {"/root/k", 0o640, 0, 0, false},
		"Swarm":                              {"/run/secrets/k", 0o444, 0, us, true},
		"Swarm as root":                      {"/run/secrets/k", 0o444, 0, 0, true},
		"Compose, a file of the host":        {"/run/secrets/k", 0o644, 1000, us, true},
		"a secret that all may write":        {"/run/secrets/k", 0o666, 0, us, false},
		"a folder that only sounds like one": {"/run/secretsauce/k", 0o444, 0, us, false},
	} {
		if ok := c.mode&mayNot(c.path, c.owner, c.us) == 0; ok != c.ok {
			t.Errorf("%s: allowed %v, want %v", name, ok, c.ok)
		}
	}
}
