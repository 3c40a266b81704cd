package auth

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/oauth"
	"github.com/stagedoor-app/stagedoor/auth/profile"
)

const (
	// certificateEvery is how often a host's certificate is written down.
	certificateEvery = 24 * time.Hour
	// mostCertificates bounds how many hosts are remembered.
	mostCertificates = 64
)

// certificates are those that were seen, by host.
type certificates struct {
	mu   sync.Mutex
	seen map[string]certificate
}

type certificate struct {
	at, notAfter time.Time
	noted        bool // it was written down, or another process did that
}

// SawCertificate remembers until when a provider's certificate is valid. It is
// called within a request and under a profile's lock, so it waits for nothing:
// what was seen is written down when the alarms are swept and by Close, once a
// day and host, whichever process saw it. It is what the cert_expiring alert
// and the certificate metric know of.
func (k *Keeper) SawCertificate(host string, notAfter time.Time) {
	c, now := &k.certificates, k.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.seen[host]
	if known && recently(last.at, now) || !known && len(c.seen) >= mostCertificates {
		return
	}
	if c.seen == nil {
		c.seen = map[string]certificate{}
	}
	c.seen[host] = certificate{at: now, notAfter: notAfter}
}

// noteCertificates writes down what was seen and is not on the log yet.
func (k *Keeper) noteCertificates(ctx context.Context) {
	fresh := k.certificates.take()
	if len(fresh) == 0 {
		return
	}
	now := k.now()
	seen, err := k.audit.Query(ctx, audit.Query{Name: audit.CertificateSeen, Since: now.Add(-certificateEvery), Sealed: true})
	if err != nil {
		k.log.WarnContext(ctx, "the audit log does not tell which certificates were seen", "error", err)
	}
	for _, e := range seen {
		if host, _ := e.Data["host"].(string); recently(e.Time, now) {
			delete(fresh, host)
		}
	}
	for _, host := range slices.Sorted(maps.Keys(fresh)) {
		_, err := k.audit.Append(ctx, audit.Event{Name: audit.CertificateSeen, Outcome: audit.OK, Data: map[string]any{
			"host": host, "days": int(fresh[host].Sub(now) / (24 * time.Hour)), "not_after": fresh[host].Unix(),
		}})
		if err != nil {
			k.log.WarnContext(ctx, "a certificate that was seen is not on the audit log", "error", err)
			return // it is seen again tomorrow
		}
	}
}

// take returns what was seen since the last time: host → end.
func (c *certificates) take() map[string]time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := map[string]time.Time{}
	for host, one := range c.seen {
		if !one.noted {
			one.noted = true
			fresh[host], c.seen[host] = one.notAfter, one
		}
	}
	return fresh
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
