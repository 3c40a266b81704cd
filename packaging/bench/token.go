//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

const rounds = 40

// token pairs `stagedoor token` and `stagedoor run -- true` with `secret-tool
// lookup` of the item that they read.
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
		if name := item.Attributes["username"]; strings.HasSuffix(name, "/tokens") {
			user = name
		}
	}
	if user == "" {
		return errors.New("the login left no tokens in the keyring")
	}
	theirs := func() *exec.Cmd {
		return d.Command(ctx, "secret-tool", "lookup", "service", "stagedoor", "username", user)
	}
	for _, args := range [][]string{{"token", "work"}, runTrue} {
		err := compare("stagedoor "+args[0], func() *exec.Cmd { return d.Command(ctx, program, args...) },
			"secret-tool lookup", theirs, "with its audit lines and anchor", 1.2)
		if err != nil {
			return err
		}
	}
	return nil
}

// runTrue starts a server that ends at once.
var runTrue = []string{"run", "--profile", "work", "--env", "API_TOKEN={access_token}", "--", "true"}

// fileVault pairs `stagedoor run -- true` on the file vault with a key file with
// `aws-vault exec --no-session` on its file backend.
func fileVault(ctx context.Context, program, peer string) error {
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
	ours := []string{"STAGEDOOR_VAULT=file", "STAGEDOOR_KEY_FILE=" + filepath.Join(d.Dir(), "key")}
	theirs := []string{"AWS_VAULT_BACKEND=file", "AWS_VAULT_FILE_DIR=" + filepath.Join(d.Dir(), "aws-vault"), "AWS_VAULT_FILE_PASSPHRASE=bench"}
	if err := signIn(ctx, d, server, program, ours...); err != nil {
		return err
	}
	with := func(env []string, name string, args ...string) *exec.Cmd {
		cmd := d.Command(ctx, name, args...)
		cmd.Env = append(cmd.Env, env...)
		return cmd
	}
	add := with(append(theirs, "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY="+strings.Repeat("x", 40)), peer, "add", "--env", "--no-add-config", "work")
	if out, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("aws-vault add: %w: %s", err, out)
	}
	return compare("stagedoor run", func() *exec.Cmd { return with(ours, program, runTrue...) },
		"aws-vault exec", func() *exec.Cmd { return with(theirs, peer, "exec", "--no-session", "work", "--", "true") },
		"key file; two audit lines and the anchor on the disk", 1.0)
}

// compare runs two commands turn by turn, so that both see the same machine, and
// prints their medians and the median of the pairs' ratios.
func compare(name string, ours func() *exec.Cmd, peerName string, theirs func() *exec.Cmd, remark string, goal float64) error {
	var a, b, ratios []float64
	for i := range rounds + 3 {
		x, err := timed(ours())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		y, err := timed(theirs())
		if err != nil {
			return fmt.Errorf("%s: %w", peerName, err)
		}
		if i >= 3 { // the first ones warm up
			a, b, ratios = append(a, x), append(b, y), append(ratios, x/y)
		}
	}
	fmt.Printf("%-20s %6.1f ms   median of %d, %s\n", name, median(a), rounds, remark)
	fmt.Printf("%-20s %6.1f ms\n", peerName, median(b))
	fmt.Printf("%-20s %6.2f      median of the pairs, goal at most %.1f\n", "ratio", median(ratios), goal)
	return nil
}

func signIn(ctx context.Context, d *desktop.Desktop, server *authserver.Server, program string, env ...string) error {
	for _, args := range [][]string{
		{"create-profile", "work", "--provider", "oidc", "--issuer", server.Issuer, "--client-id", authserver.PublicClientID},
		{"login", "work", "--no-browser"},
	} {
		cmd := d.Command(ctx, program, args...)
		cmd.Env = append(cmd.Env, env...)
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
