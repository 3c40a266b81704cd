package auth

import (
	"context"
	"errors"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

const (
	// certificateEvery is how often a host's certificate is written down.
	certificateEvery = 24 * time.Hour
	certificateWait  = 5 * time.Second
)

// SawCertificate notes until when a provider's certificate is valid: once a day
// and host, whichever process saw it. It is what the cert_expiring alert and
// the certificate metric know of.
func (k *Keeper) SawCertificate(ctx context.Context, host string, notAfter time.Time) {
	now := k.now()
	if last, ok := k.certificates.Load(host); ok && recently(last.(time.Time), now) {
		return
	}
	k.certificates.Store(host, now)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), certificateWait)
	defer cancel()
	seen, err := k.book.Query(ctx, audit.Query{Name: audit.CertificateSeen, Since: now.Add(-certificateEvery), Sealed: true})
	if err != nil {
		k.log.WarnContext(ctx, "the audit log does not tell which certificates were seen", "error", err)
	}
	for _, e := range seen {
		if e.Data["host"] == host && recently(e.Time, now) {
			return
		}
	}
	left := int(notAfter.Sub(now) / (24 * time.Hour))
	k.record(ctx, profile.Profile{}, audit.CertificateSeen, audit.OK, map[string]any{
		"host": host, "days": left, "not_after": notAfter.Unix(),
	})
}

func recently(t, now time.Time) bool { return now.Sub(t).Abs() < certificateEvery }

// recordTLS writes down that a provider's certificate did not verify, if that
// is what err says.
func (k *Keeper) recordTLS(ctx context.Context, p profile.Profile, err error) {
	if !errors.Is(err, oauth.ErrTLS) {
		return
	}
	data := map[string]any{"op": "login"}
	var answer *oauth.Error
	if errors.As(err, &answer) {
		data["host"] = answer.Host
	}
	k.record(ctx, p, audit.TLSFailed, audit.Failed, data)
}
