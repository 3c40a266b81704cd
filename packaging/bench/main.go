//go:build linux

// Command bench measures what Stagedoor promises about its cost, in the virtual
// desktop and against a peer or a limit in the same run:
//
//	bench tray --app PROGRAM     memory and CPU of the idle tray
//	bench token --app PROGRAM    `stagedoor token` and `run` against `secret-tool lookup`
//	bench files --app PROGRAM --peer AWS-VAULT
//	                             `run` on the file vault against `aws-vault exec`
//	bench proxy --app PROGRAM    `run` between a client and its server, against a bare pipe
//	bench setup --app PROGRAM    `setup` on a file of 1 MB, and beside other programs that set up clients
//	bench window --app PROGRAM   the audit window on a log of a million events
//	bench medians <RESULTS       medians and ratios of `go test -bench` output
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("which one? tray, token, files, proxy, setup, window or medians")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	app := flags.String("app", "out/lean/stagedoor", "the program to measure")
	peer := flags.String("peer", "", "the program to measure against")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	program, err := filepath.Abs(*app)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	switch args[0] {
	case "tray":
		return tray(ctx, program)
	case "token":
		if program, err = installed(folder, program); err != nil {
			return err
		}
		return token(ctx, program)
	case "files":
		other, err := installed(folder, *peer)
		if err == nil {
			program, err = installed(folder, program)
		}
		if err != nil {
			return err
		}
		return fileVault(ctx, program, other)
	case "proxy":
		if program, err = installed(folder, program); err != nil {
			return err
		}
		return proxy(ctx, program)
	case "setup":
		if program, err = installed(folder, program); err != nil {
			return err
		}
		return setups(ctx, program)
	case "window":
		return window(ctx, program)
	case "medians":
		return medians(os.Stdin, os.Stdout)
	}
	return fmt.Errorf("there is no benchmark %q", args[0])
}

// installed copies a program into a folder, as an installer does. A file that the
// linker has just written starts slower: Linux has its pages in memory one by one.
func installed(folder, program string) (string, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, filepath.Base(program))
	return path, os.WriteFile(path, data, 0o755)
}
