//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

const rounds = 40

// token pairs `stagedoor token` with `secret-tool lookup` of the item that it
// reads, turn by turn, so that both see the same machine.
func token(ctx context.Context, program string) error {
	d, err := desktop.Start(ctx, desktop.Options{NoPanel: true, NoNotifications: true})
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	server, err := authserver.Start(ctx, authserver.Options{})
	if err != nil {
		return err
	}
	defer server.Close()
	if err := signIn(ctx, d, server, program); err != nil {
		return err
	}
	items, err := d.SecretSearch(ctx, map[string]string{"service": "stagedoor"})
	if err != nil {
		return err
	}
	user := ""
	for _, item := range items {
		if name := item.Attributes["username"]; len(name) > 7 && name[len(name)-7:] == "/tokens" {
			user = name
		}
	}
	if user == "" {
		return errors.New("the login left no tokens in the keyring")
	}
	ours := func() *exec.Cmd { return d.Command(ctx, program, "token", "work") }
	theirs := func() *exec.Cmd {
		return d.Command(ctx, "secret-tool", "lookup", "service", "stagedoor", "username", user)
	}
	var a, b []float64
	for i := range rounds + 3 {
		x, err := timed(ours())
		if err != nil {
			return err
		}
		y, err := timed(theirs())
		if err != nil {
			return err
		}
		if i >= 3 { // the first ones warm up
			a, b = append(a, x), append(b, y)
		}
	}
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	fmt.Printf("stagedoor token      %6.1f ms   median of %d, with its audit line and anchor\n", median(a), rounds)
	fmt.Printf("secret-tool lookup   %6.1f ms\n", median(b))
	fmt.Printf("ratio                %6.2f      median of the pairs, goal at most 1.5\n", median(ratios))
	return nil
}

func signIn(ctx context.Context, d *desktop.Desktop, server *authserver.Server, program string) error {
	for _, args := range [][]string{
		{"create-profile", "work", "--provider", "oidc", "--issuer", server.Issuer, "--client-id", authserver.PublicClientID},
		{"login", "work", "--no-browser"},
	} {
		cmd := d.Command(ctx, program, args...)
		if args[0] != "login" {
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			continue
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		var address string
		if _, err := fmt.Fscanln(out, &address); err != nil {
			return err
		}
		if _, err := (authserver.Browser{}).Open(ctx, address); err != nil {
			return err
		}
		if err := cmd.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// timed runs a command and returns its wall time in milliseconds.
func timed(cmd *exec.Cmd) (float64, error) {
	start := time.Now()
	err := cmd.Run()
	return float64(time.Since(start).Microseconds()) / 1000, err
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
