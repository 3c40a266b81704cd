package vault

// Quick makes the file vault's passphrase cheap to try. What it guards is worth
// nothing in a test, and the race detector makes scrypt take a second.
func (p Params) Quick() Params {
	p.workFactor = 2
	return p
}
