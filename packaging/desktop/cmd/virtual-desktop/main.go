//go:build linux

// Command virtual-desktop runs a program in a desktop of its own (see package desktop) and ends with the program's
// exit status. Everything else that was started in the desktop ends with it.
//
//	virtual-desktop [flags] -- CMD ARGS…
//
//	--shots DIR         keep pictures: first.png before CMD starts, last.png when it has ended;
//	                    CMD can take its own into the folder named by STAGEDOOR_SHOTS (import -window root)
//	--dir DIR           where home and logs go; a throwaway folder without it
//	--keep              do not remove the throwaway folder, and name it
//	--env NAME[=VALUE]  hand a variable in; repeatable. Without it CMD gets nothing of the caller's but PATH
//	--size WxH          of the screen, 1280x800 by default
//	--dark              dark panels and windows
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

type options struct {
	desktop desktop.Options
	shots   string
	env     []string
	argv    []string
}

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if err != nil {
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	status, err := inside(ctx, opts)
	if err != nil {
		fmt.Fprintln(stderr, "virtual-desktop:", err)
		return max(status, exitFailed)
	}
	return status
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opts options
	var size string
	var keep bool
	flags := flag.NewFlagSet("virtual-desktop", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&opts.shots, "shots", "", "keep pictures in this `folder`")
	flags.StringVar(&opts.desktop.Dir, "dir", "", "put home and logs into this `folder`")
	flags.BoolVar(&keep, "keep", false, "keep the throwaway folder")
	flags.StringVar(&size, "size", "1280x800", "`size` of the screen in pixels")
	flags.BoolVar(&opts.desktop.Dark, "dark", false, "dark panels and windows")
	flags.Func("env", "hand in this `variable`, NAME or NAME=VALUE", func(v string) error {
		if !strings.Contains(v, "=") {
			v += "=" + os.Getenv(v)
		}
		opts.env = append(opts.env, v)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	_, err := fmt.Sscanf(size, "%dx%d", &opts.desktop.Width, &opts.desktop.Height)
	opts.argv = flags.Args()
	if err != nil || len(opts.argv) == 0 {
		fmt.Fprintln(stderr, "usage: virtual-desktop [flags] -- CMD ARGS…")
		flags.PrintDefaults()
		return opts, errors.New("usage")
	}
	if opts.shots != "" {
		if opts.shots, err = filepath.Abs(opts.shots); err != nil {
			return opts, err
		}
	}
	if keep && opts.desktop.Dir == "" {
		if opts.desktop.Dir, err = os.MkdirTemp("", "sd-"); err != nil {
			return opts, err
		}
		fmt.Fprintln(stderr, "virtual-desktop: home and logs stay in", opts.desktop.Dir)
	}
	return opts, nil
}

// inside starts the desktop, runs the program in it and takes it down.
func inside(ctx context.Context, opts options) (status int, err error) {
	d, err := desktop.Start(ctx, opts.desktop)
	if err != nil {
		return exitFailed, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := picture(ctx, d, opts.shots, "first.png"); err != nil {
		return exitFailed, err
	}

	// A signal is handed on, so that the program can end in its own way, and enforced after a while.
	cmd := d.Command(ctx, opts.argv[0], opts.argv[1:]...)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if cmd.Dir, err = os.Getwd(); err != nil {
		return exitFailed, err
	}
	cmd.Env = append(cmd.Env, opts.env...)
	if opts.shots != "" {
		cmd.Env = append(cmd.Env, "STAGEDOOR_SHOTS="+opts.shots)
	}
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		status = exit.ExitCode()
	case errors.As(err, &exit):
		status = 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
	case err != nil:
		return exitFailed, err
	}
	return status, picture(context.WithoutCancel(ctx), d, opts.shots, "last.png")
}

func picture(ctx context.Context, d *desktop.Desktop, dir, name string) error {
	if dir == "" {
		return nil
	}
	return d.Screenshot(ctx, filepath.Join(dir, name))
}
