package cli

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// bundleResult is the JSON shape of setup --bundle.
type bundleResult struct {
	Path    string       `json:"path"`
	Entry   string       `json:"entry"`
	Bytes   int          `json:"bytes"`
	Doubles []string     `json:"doubles,omitempty"` // entries of the same server
	Opened  bool         `json:"opened"`
	Check   *setup.Check `json:"check,omitempty"`
}

// setupBundleRun tries the server first: what a bundle says of its tools is what the server
// lists, and Claude Desktop starts none when it installs one.
func setupBundleRun(ctx context.Context, f *Factory, k setupKeeper, o *setupOptions) error {
	service, err := f.Setup(k)
	if err != nil {
		return err
	}
	plan, err := service.Plan(ctx, o.Request)
	if err != nil {
		return err
	}
	result := bundleResult{Entry: plan.Change.Name}
	var tools []setup.Tool
	if !o.noCheck {
		if f.Copy != nil { // somebody waits at a terminal
			f.notef("starting %s as %s will…\n", result.Entry, plan.Client.Name)
		}
		c := service.Check(ctx, plan)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !c.OK && !c.Untried {
			describeCheck(f, &c, plan.Client)
			return hint.New(c.Words(), cmp.Or(c.Hint, "--no-check makes the bundle all the same"))
		}
		result.Check, tools = &c, c.Listed
	}
	b, err := service.Bundle(plan, tools, f.Version)
	if err != nil {
		return err
	}
	if result.Path, err = filepath.Abs(cmp.Or(o.output, b.Name)); err != nil {
		return err
	}
	write := durable.CreateStream
	if o.Force {
		write = durable.WriteStream
	}
	if err := write(result.Path, durable.FileMode, durable.Bytes(b.Data)); err != nil {
		if errors.Is(err, durable.ErrExists) {
			err = hint.Wrap(err, "name another file with --output, or say --force")
		}
		return err
	}
	if err := service.KeepBundle(ctx, plan); err != nil {
		return err
	}
	result.Bytes, result.Doubles = len(b.Data), b.Doubles
	if f.OpenFile != nil && !o.noOpen {
		err = f.OpenFile(ctx, result.Path)
		result.Opened = err == nil // which the file makes up for
	}
	if o.json {
		return f.json(result)
	}
	f.printf("wrote %s, %d bytes\n", result.Path, result.Bytes)
	describeCheck(f, result.Check, plan.Client)
	for _, name := range b.Doubles {
		f.notef("warning: the entry %q starts the same server: Claude Desktop would have each tool twice: stagedoor setup --remove --name %s\n", name, setup.Quote(name))
	}
	switch {
	case result.Opened:
		f.printf("Claude Desktop asks whether to install it\n")
	case f.OpenFile == nil:
		f.printf("Claude Desktop takes bundles on macOS and Windows: open it there, where Stagedoor is at the same place\n")
	default:
		f.printf("open it with Claude Desktop: double-click it, or drag it onto the window\n")
	}
	return nil
}
