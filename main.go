// Stagedoor looks after the accounts that MCP servers use.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/stagedoor-app/stagedoor/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := app.Main(ctx, os.Args[1:], app.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(status)
}
