// Command fakebrowser is a $BROWSER for tests: it signs in at the test authorization server and agrees, refuses,
// or does nothing, and ends.
//
//	FAKEBROWSER_ACCOUNT   who signs in (default alice)
//	FAKEBROWSER_MODE      allow (default), deny or ignore
//	FAKEBROWSER_LOG       a file that gets one line per call, never with a code or a token
package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: fakebrowser URL")
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	browser := authserver.Browser{
		Account: os.Getenv("FAKEBROWSER_ACCOUNT"),
		Mode:    authserver.Mode(os.Getenv("FAKEBROWSER_MODE")),
	}
	page, err := browser.Open(ctx, args[0])
	note(args[0], page, err)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// note appends what happened to the log; a browser's stderr is usually thrown away.
func note(target string, page *authserver.Page, err error) {
	name := os.Getenv("FAKEBROWSER_LOG")
	if name == "" {
		return
	}
	f, openErr := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if openErr != nil {
		return
	}
	defer f.Close()
	host := "?"
	if u, parseErr := url.Parse(target); parseErr == nil {
		host = u.Host + u.Path
	}
	switch {
	case err != nil:
		fmt.Fprintf(f, "%s: %v\n", host, err)
	case page.URL == nil:
		fmt.Fprintf(f, "%s: ignored\n", host)
	default:
		fmt.Fprintf(f, "%s: ended at %s%s with %d\n", host, page.URL.Host, page.URL.Path, page.Status)
	}
}
