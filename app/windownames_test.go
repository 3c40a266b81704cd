//go:build !lean

package app

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/app/cli"
	"github.com/stagedoor-app/stagedoor/app/window"
)

// The lean build names the windows of its sibling, which it does not have itself: each has
// to be there, and none that is may be missing.
func TestEveryWindowHasACommand(t *testing.T) {
	command, _, err := cli.Reference("").Root.Find([]string{"window"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(window.Names())), command.ValidArgs); diff != "" {
		t.Error(diff)
	}
}
