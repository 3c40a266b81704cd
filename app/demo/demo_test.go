package demo

import "testing"

// What is shown to be copied must be understood where it is pasted.
func TestShellLines(t *testing.T) {
	variables := []string{"STAGEDOOR_HOME=/tmp/o'brien/state", "STAGEDOOR_VAULT=file"}
	for goos, want := range map[string]string{
		"linux":   "  export STAGEDOOR_HOME='/tmp/o'\\''brien/state'\n  export STAGEDOOR_VAULT='file'",
		"windows": "  $env:STAGEDOOR_HOME = '/tmp/o''brien/state'\n  $env:STAGEDOOR_VAULT = 'file'",
	} {
		if got := shellLines(goos, variables); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", goos, got, want)
		}
	}
}
