// Command tour shows the app on a machine without a display: it starts the demo
// in the virtual desktop, uses it as a person would, and leaves pictures and a
// transcript.
//
//	tour --app out/stagedoor --out out
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The app calls this program back as its browser.
	if len(os.Args) == 2 && strings.HasPrefix(os.Args[1], "http://127.0.0.1:") {
		if err := (&authtest.Browser{Account: os.Getenv("TOUR_ACCOUNT")}).Open(ctx, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	app := flag.String("app", "out/stagedoor", "the program to show")
	out := flag.String("out", "out", "folder for pictures/ and transcript.txt")
	flag.Parse()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := run(ctx, *app, *out); err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, app, out string) error {
	app, err := filepath.Abs(app)
	if err != nil {
		return err
	}
	t, err := newTour(ctx, app, out)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.walk(ctx); err != nil {
		return err
	}
	fmt.Printf("\nLook at the pictures in %s and the transcript in %s.\n", t.pictures, t.transcript.Name())
	return nil
}
