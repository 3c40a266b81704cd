package auth

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/oauth"
)

// httpClient speaks to providers. auth/oauth bounds each request in time and
// refuses redirects. see is told until when a host's certificate is valid.
func httpClient(see func(host string, notAfter time.Time)) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	transport.TLSHandshakeTimeout = 10 * time.Second
	transport.MaxIdleConns = 4
	return &http.Client{Transport: watchedTransport{transport, see}}
}

// watchedTransport is a RoundTripper that tells of the certificates it meets.
type watchedTransport struct {
	http.RoundTripper
	see func(host string, notAfter time.Time)
}

func (t watchedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.RoundTripper.RoundTrip(r)
	if err == nil && answer.TLS != nil && len(answer.TLS.PeerCertificates) > 0 {
		t.see(r.URL.Hostname(), answer.TLS.PeerCertificates[0].NotAfter)
	}
	return answer, err
}

// WithTLS is how a profile's own certificates get there: see oauth.Trust.
func (t watchedTransport) WithTLS(c *tls.Config) http.RoundTripper {
	t.RoundTripper = oauth.WithTLS(t.RoundTripper, c)
	return t
}

// CloseIdleConnections makes the client's method of that name work.
func (t watchedTransport) CloseIdleConnections() {
	(&http.Client{Transport: t.RoundTripper}).CloseIdleConnections()
}
