package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// commandLog tells the user of a command what the library could not do, in the
// way in which commands tell of their own errors, and each thing once.
type commandLog struct {
	out  io.Writer
	said *sync.Map // messages
}

func newCommandLog(out io.Writer) *slog.Logger {
	return slog.New(commandLog{out: out, said: &sync.Map{}})
}

// Enabled implements slog.Handler.
func (commandLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// WithAttrs implements slog.Handler.
func (l commandLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l commandLog) WithGroup(string) slog.Handler { return l }

// Handle implements slog.Handler.
func (l commandLog) Handle(_ context.Context, r slog.Record) error {
	if _, again := l.said.LoadOrStore(r.Message, true); again {
		return nil
	}
	line, advice := r.Message, ""
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			line, advice = line+": "+err.Error(), hint.Of(err)
		}
		return true
	})
	_, err := fmt.Fprintf(l.out, "stagedoor: %s\n", text.Line(line, 1000))
	if err == nil && advice != "" {
		_, err = fmt.Fprintf(l.out, "hint: %s\n", text.Line(advice, 1000))
	}
	return err
}
