//go:build !lean

package window

import (
	"context"
	"fmt"
)

func run(_ context.Context, name string, _ Params) error {
	return fmt.Errorf("window %q: not in this build yet", name)
}
