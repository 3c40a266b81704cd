package vault

// Quick makes the file vault's passphrase cheap to try. What it guards is worth
// nothing in a test, and the race detector makes scrypt take a second.
func (p Params) Quick() Params {
	p.workFactor = 2
	return p
}

// OnFakeRing returns keychains that share one fake ring with the limits of a
// platform.
func OnFakeRing(goos string) func() Vault {
	r := newLimitedRing(goos)
	return func() Vault { return newKeychainFor(goos, r, Limits{}) }
}
