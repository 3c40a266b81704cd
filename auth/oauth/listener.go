package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

const (
	// pageTimeout is how long the last page may take to reach the browser.
	pageTimeout = 2 * time.Second
	// maxStrays is how many requests of one login are reported. A web page can
	// send thousands, and each report is a line in the audit log.
	maxStrays = 20
)

// listener is the loopback listener of one attempt. It lets one answer in and turns
// everything else away.
type listener struct {
	attempt  *attempt
	hosts    []string // what the Host header may say: 127.0.0.1 and the port, or localhost
	accepted chan callback

	settled  chan struct{} // closed when the attempt has ended
	outcome  error         // why, valid once settled is closed
	pageSent chan struct{} // closed when the browser has its page, or has gone

	mu   sync.Mutex
	used bool // an answer with the right state was let in; guarded by mu

	strayMu sync.Mutex   // held during onStray, which may be slow; never together with mu
	onStray func(string) // nil once the login has ended
	strays  int

	server *http.Server
	served chan struct{}
}

// CheckPorts reports why no login can listen on any of the ports now: ErrPortTaken, or
// another error.
func CheckPorts(ctx context.Context, host string, ports []int) error {
	all, err := listen(ctx, host, ports)
	for _, ln := range all {
		_ = ln.Close()
	}
	return err
}

// listen opens the first of the ports that is free, or any if there is none. Where the
// redirect is to localhost, what that name resolves to is the browser's to choose: it
// may be an address that another program listens on (RFC 8252 section 8.3), so the port
// has to be free on [::1], too.
func listen(ctx context.Context, host string, ports []int) (all []net.Listener, err error) {
	if len(ports) == 0 {
		ports = []int{0}
	}
	for _, port := range ports {
		ln, failed := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if failed == nil && host == localhost {
			var six net.Listener
			six, failed = new(net.ListenConfig).Listen(ctx, "tcp6", net.JoinHostPort("::1", strconv.Itoa(portOf(ln))))
			switch {
			case failed == nil:
				return []net.Listener{ln, six}, nil
			case !addressInUse(failed): // a computer without IPv6
				return []net.Listener{ln}, nil
			}
			_ = ln.Close()
		}
		if failed == nil {
			return []net.Listener{ln}, nil
		}
		err = failed
		if !addressInUse(failed) {
			break
		}
	}
	return nil, listenError(ports, err)
}

const localhost = "localhost"

func portOf(ln net.Listener) int { return ln.Addr().(*net.TCPAddr).Port }

// openListener listens and sets the attempt's redirect URI.
func openListener(ctx context.Context, a *attempt, onStray func(string)) (*listener, error) {
	all, err := listen(ctx, a.Host, a.Ports)
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, name := range slices.Compact([]string{"127.0.0.1", cmp.Or(a.Host, "127.0.0.1")}) {
		hosts = append(hosts, strings.TrimSuffix(net.JoinHostPort(name, strconv.Itoa(portOf(all[0]))), ":80")) // which browsers leave out
	}
	l := &listener{
		attempt:  a,
		hosts:    hosts,
		accepted: make(chan callback, 1),
		settled:  make(chan struct{}),
		pageSent: make(chan struct{}),
		onStray:  onStray,
		served:   make(chan struct{}),
	}
	a.redirect = "http://" + hosts[len(hosts)-1] + a.Path
	l.server = &http.Server{
		Handler:           l,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      DefaultLoginTimeout, // the page waits until the tokens are kept, which may take a prompt
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // it would quote what strangers send
	}
	var serving sync.WaitGroup
	for _, ln := range all {
		serving.Go(func() { _ = l.server.Serve(ln) }) // ends with ErrServerClosed, in close
	}
	go func() {
		serving.Wait()
		close(l.served)
	}()
	return l, nil
}

// end tells the waiting browser, if there is one, how the login ended, gives the
// page a moment to get there, and shuts the port. When it has returned, nobody
// listens there any more.
func (l *listener) end(outcome error) {
	l.mu.Lock()
	waiting := l.used
	l.used = true // nobody is let in any more
	l.mu.Unlock()
	l.outcome = outcome
	close(l.settled)
	if waiting {
		limit := time.NewTimer(pageTimeout)
		defer limit.Stop()
		select {
		case <-l.pageSent:
		case <-limit.C:
		}
	}
	_ = l.server.Close()
	<-l.served
	l.strayMu.Lock()
	l.onStray = nil
	l.strayMu.Unlock()
}

// ServeHTTP answers the browser and whoever else finds the port.
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	switch {
	case !slices.Contains(l.hosts, r.Host):
		// A web page that made its own name resolve to 127.0.0.1.
		l.stray(strayWrongHost)
		refusedPage.write(w, http.StatusForbidden)
		return
	case r.URL.Path != l.attempt.Path || r.URL.RawPath != "":
		refusedPage.write(w, http.StatusNotFound)
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refusedPage.write(w, http.StatusMethodNotAllowed)
		return
	}
	c, reason := parseCallback(r.URL.RawQuery)
	if reason == "" {
		reason = l.admit(c)
	}
	if reason != "" {
		l.stray(reason)
		strayPage.write(w, http.StatusBadRequest)
		return
	}
	defer close(l.pageSent)
	select {
	case <-l.settled:
		p, status := pageFor(l.outcome)
		p.write(w, status)
	case <-r.Context().Done():
		// The tab was closed; the login goes on without it.
	}
}

// admit lets the first answer with the right state in, and says why not
// otherwise.
func (l *listener) admit(c callback) (stray string) {
	if !l.attempt.mine(c) {
		return strayBadState
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used {
		return strayReusedState
	}
	l.used = true
	l.accepted <- c // never blocks: there is room for the one
	return ""
}

// stray reports a request that was turned away.
func (l *listener) stray(reason string) {
	l.strayMu.Lock()
	defer l.strayMu.Unlock()
	if l.strays++; l.onStray != nil && l.strays <= maxStrays {
		l.onStray(reason)
	}
}

// listenError explains why none of the ports can be had.
func listenError(ports []int, err error) error {
	switch {
	case ports[0] == 0:
		return fmt.Errorf("login: no port on 127.0.0.1 can be opened: %w", err)
	case !addressInUse(err):
		return hint.Wrap(fmt.Errorf("login: port %d on 127.0.0.1 cannot be opened: %w", ports[0], err),
			"register a redirect address with another port at the provider, and create the profile with its port")
	}
	names, numbers := make([]string, len(ports)), make([]string, len(ports))
	for i, port := range ports {
		numbers[i] = strconv.Itoa(port)
		if names[i] = "port " + numbers[i]; holder(port) != "" {
			names[i] += " (" + holder(port) + ")"
		}
	}
	find := map[string]string{
		"darwin":  "lsof -nP -sTCP:LISTEN -iTCP:" + strings.Join(numbers, ","),
		"windows": "netstat -ano | findstr LISTENING",
	}[runtime.GOOS]
	if find == "" {
		find = "ss -ltnp '( sport = :" + strings.Join(numbers, " or sport = :") + " )'"
	}
	return hint.Wrap(fmt.Errorf("login: %w: another program listens on %s", ErrPortTaken, strings.Join(names, ", ")),
		"end it (an earlier login that still waits?), or register a redirect address with another port at the provider in place of "+
			strings.Join(numbers, ", ")+", and create the profile with it; find it with `"+find+"`")
}

// addressInUse knows EADDRINUSE by both its names: what Windows gives is not
// what package syscall calls by that name there.
func addressInUse(err error) bool {
	const wsaEADDRINUSE = syscall.Errno(10048)
	return errors.Is(err, syscall.EADDRINUSE) || runtime.GOOS == "windows" && errors.Is(err, wsaEADDRINUSE)
}
