package app

import (
	"net/http"
	"time"
)

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

// CloseIdleConnections makes the client's method of that name work.
func (t watchedTransport) CloseIdleConnections() {
	(&http.Client{Transport: t.RoundTripper}).CloseIdleConnections()
}
