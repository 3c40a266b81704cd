package clients

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// checkRefusal checks what the user sees: advice, and nothing out of the file.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if hint.Of(err) == "" {
		t.Errorf("%v: no hint", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("%v quotes the file", err)
	}
}

func errorsAsRefused(err error) (*RefusedError, bool) {
	var r *RefusedError
	ok := errors.As(err, &r)
	return r, ok
}

func diffStrings(want, got string) string { return cmp.Diff(want, got) }
