// Stagedoor looks after the accounts that MCP servers use.
package main

import (
	_ "embed"
	"os"

	"github.com/stagedoor-app/stagedoor/app"
)

// policy is what `stagedoor version --security` shows the head of.
//
//go:embed SECURITY.md
var policy string

func main() {
	ctx, stop := app.EndOnSignal(os.Exit)
	status := app.Main(ctx, os.Args[1:], app.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, policy)
	stop()
	os.Exit(status)
}
