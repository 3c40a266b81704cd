// Stagedoor looks after the accounts that MCP servers use.
package main

import (
	"os"

	"github.com/stagedoor-app/stagedoor/app"
)

func main() {
	ctx, stop := app.EndOnSignal(os.Exit)
	status := app.Main(ctx, os.Args[1:], app.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(status)
}
