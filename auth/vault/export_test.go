package vault

import "sync"

// Quick makes the file vault's passphrase cheap to try. What it guards is worth
// nothing in a test, and the race detector makes scrypt take a second.
func (p Params) Quick() Params {
	p.workFactor = 2
	return p
}

// OnFakeRing returns keychains that share one fake ring with the limits of a
// platform, as processes do.
func OnFakeRing(goos string) func() Vault {
	r := &sharedRing{limitedRing: newLimitedRing(goos)}
	return func() Vault { return newKeychain(goos, r, 0) }
}

// sharedRing is a ring that several processes call at once.
type sharedRing struct {
	mu sync.Mutex
	*limitedRing
}

func (r *sharedRing) Get(key string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.limitedRing.Get(key)
}

func (r *sharedRing) Set(key, value string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.limitedRing.Set(key, value)
}

func (r *sharedRing) Delete(key string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.limitedRing.Delete(key)
}
