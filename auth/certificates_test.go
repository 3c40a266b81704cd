package auth_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/alert"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// only returns the one event of a name.
func (w *world) only(name string) audit.Event {
	w.t.Helper()
	events, err := w.keeper.Events(w.t.Context(), audit.Query{Name: name})
	if err != nil || len(events) != 1 {
		w.t.Fatalf("%d events %s, %v: %v", len(events), name, err, w.events())
	}
	return events[0]
}

// Somebody between us and the provider shows in the alerts, and a login that
// fails for that reason does not count as a failed one.
func TestAnUntrustedCertificateAtLogin(t *testing.T) {
	w := newWorld(t, authtest.Params{})
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	if _, err := w.keeper.CreateProfile(t.Context(), auth.NewProfile{Name: "work", Provider: "oidc", Issuer: server.URL, ClientID: "c"}); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if _, err := w.keeper.Login(t.Context(), "work", auth.LoginOptions{}); err == nil {
			t.Fatal("it worked")
		}
	}
	list := w.alerts(w.keeper)
	if len(list) != 1 || list[0].Rule != "tls_failed" || list[0].Severity != alert.P1 || !strings.Contains(list[0].Message, "127.0.0.1") {
		t.Errorf("%+v", list)
	}
}

// The provider's document names another host than the one that was pinned, for
// whichever endpoint gets a token, a code or the client secret. The login goes
// on, and the user is told.
func TestAnEndpointThatMoved(t *testing.T) {
	for _, what := range []string{"token", "revocation", "userinfo", "device_authorization"} {
		host := map[bool]string{true: "127.0.0.1:1", false: "127.0.0.2"}[what == "token"] // a port is a host of its own
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, authtest.Params{Rotation: authtest.Rotating})
			w.create("work")
			w.login("work")
			w.login("work") // an ordinary second login
			elsewhere := "http://" + host + "/" + what
			w.server.EditMetadata(func(m map[string]any) { m[what+"_endpoint"] = elsewhere })
			_, _ = w.keeper.Login(t.Context(), "work", auth.LoginOptions{}) // nobody answers there
			e := w.only(audit.EndpointChanged)
			if e.Data["what"] != what || e.Data["now"] != host {
				t.Errorf("%v", e.Data)
			}
			if list := w.alerts(w.keeper); len(list) != 1 || list[0].Rule != "endpoint_changed" {
				t.Errorf("%+v", list)
			}
		})
	}
}
