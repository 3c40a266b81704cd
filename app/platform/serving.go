package platform

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// Serving prepares this process for standing between a client and a server all day.
// It is kept from being dumped, which the server, a program of its own, is not. The
// context that it returns ends when the process that started this one does, which
// may leave our standard input open, and at the first signal; a second one changes
// nothing, since clients send them in a row and there is little left to do. A client
// that does not read our standard error any more does not end us by that.
func Serving(ctx context.Context) (context.Context, func()) {
	harden()
	// Messages may be long, and nothing of them is kept: better to look for garbage
	// often than to hold it.
	debug.SetMemoryLimit(80 << 20)
	ctx, cancel := context.WithCancel(ctx)
	watchParent(os.Getppid(), cancel)
	unread := make(chan os.Signal, 1)
	signal.Notify(unread, syscall.SIGPIPE) // and so writing is what fails
	stop := context.AfterFunc(ctx, func() { signal.Ignore(os.Interrupt, syscall.SIGTERM) })
	return ctx, func() {
		stop()
		signal.Stop(unread)
		cancel()
	}
}
