package auth

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/auditkey"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// Reach asks the authorization server of a profile for nothing, with the profile's own
// certificates, and returns the host that was asked, also with an error. No secret is
// read or sent.
func (k *Keeper) Reach(ctx context.Context, name string) (host string, answer oauth.Reached, err error) {
	a, err := k.account(name)
	if err != nil {
		return "", answer, err
	}
	address := cmp.Or(a.Endpoints.Token, a.Profile.Issuer)
	if u, failed := url.Parse(address); failed == nil {
		host = u.Host
	}
	answer, err = k.wire.Trusting(cmp.Or(a.Endpoints.Trust, a.Profile.Trust)).Reach(ctx, address)
	return host, answer, err
}

// VaultAnswers reads an item of the vault and returns how long that took. The error is
// vault.ErrNotFound if there is nothing in it yet. How long somebody may be asked to
// unlock it is in the context, as ever.
func (k *Keeper) VaultAnswers(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	_, err := k.vault.Get(ctx, auditkey.Item)
	return time.Since(began), err
}
