//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tailscale/hujson"

	"github.com/stagedoor-app/stagedoor/app/clients/clientstest"
)

// setter is a program that puts an entry into a client's file.
type setter struct {
	name string
	file string // below HOME
	add  func(ctx context.Context, home, entry string) *exec.Cmd
}

// naive is what most set-up scripts do.
const naive = `import json, sys
path, name = sys.argv[1:]
with open(path) as f: config = json.load(f)
config.setdefault("mcpServers", {})[name] = {"command": "/s", "args": ["run"]}
with open(path, "w") as f: json.dump(config, f, indent=2)
`

const (
	desktopFile  = ".config/Claude/claude_desktop_config.json"
	setupKills   = 40
	setupRaces   = 10
	setupLimitMS = 60
)

// setups times `stagedoor setup` on a file of 1 MB, and has it and other programs set up
// the same files, be killed in the middle, and write at the same time.
func setups(ctx context.Context, program string) error {
	folder, err := os.MkdirTemp("", "setups")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	key := filepath.Join(folder, "key")
	run := func(home string, line ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // G702: they are the programs that are measured
		cmd.Dir = folder
		cmd.Env = []string{
			"HOME=" + home, "PATH=" + os.Getenv("PATH"), "STAGEDOOR_VAULT=file", "STAGEDOOR_KEY_FILE=" + key,
			"STAGEDOOR_HOME=" + filepath.Join(folder, "state"), "STAGEDOOR_CLIENTS_HOME=" + home,
			"DISABLE_TELEMETRY=1", "DISABLE_AUTOUPDATER=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
		}
		return cmd
	}
	create := run(folder, program, "create-profile", "work", "--provider", "api-key", "--client-secret-stdin")
	create.Stdin = strings.NewReader("made-up-0123456789")
	if out, err := create.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	script, server := filepath.Join(folder, "naive.py"), filepath.Join(folder, "server.py")
	if err := errors.Join(os.WriteFile(script, []byte(naive), 0o600), os.WriteFile(server, []byte("from fastmcp import FastMCP\nmcp = FastMCP(\"our\")\n"), 0o600)); err != nil {
		return err
	}
	claude, err1 := filepath.Abs("packaging/npm/node_modules/.bin/claude")
	fastmcp, err2 := filepath.Abs("packaging/python/.venv/sdk/bin/fastmcp")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	ours := setter{"stagedoor setup", desktopFile, func(_ context.Context, home, entry string) *exec.Cmd {
		return run(home, program, "setup", "--no-check", "--profile", "work", "--name", entry, "--env", "K={secret}", "--", "/bin/true")
	}}
	all := []setter{
		ours,
		{"claude mcp add", ".claude.json", func(_ context.Context, home, entry string) *exec.Cmd {
			return run(home, claude, "mcp", "add", "--scope", "user", entry, "--", "/s", "run")
		}},
		{"fastmcp install", desktopFile, func(_ context.Context, home, entry string) *exec.Cmd {
			return run(home, fastmcp, "install", "claude-desktop", server, "--name", entry)
		}},
		{"json.load, json.dump", desktopFile, func(_ context.Context, home, entry string) *exec.Cmd {
			return run(home, "/usr/bin/python3", script, filepath.Join(home, desktopFile), entry)
		}},
	}
	if err := timeSetup(ctx, ours, folder); err != nil {
		return err
	}
	fmt.Printf("\n%-22s %9s %9s %9s %9s | %14s | %s\n", "the same files", "set", "refused", "changed", "lost", "broken by kill", "entries lost to another writer")
	for _, s := range all {
		c, err := corpusOf(ctx, s, folder)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		broken, err := killed(ctx, s, folder)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		lost, of, err := raced(ctx, s, folder)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Printf("%-22s %9d %9d %9d %9d | %8d of %2d | %d of %d\n", s.name, c.set, c.refused, c.changed, c.lost, broken, setupKills, lost, of)
	}
	fmt.Println("changed: bytes outside the entry are others; lost: values are gone, or the file cannot be read any more.")
	fmt.Println("Smithery's CLI sets up nothing without its registry, and is left out.")
	return nil
}

func place(s setter, folder, content string) (home, path string, err error) {
	if home, err = os.MkdirTemp(folder, "home"); err != nil {
		return "", "", err
	}
	path = filepath.Join(home, s.file)
	return home, path, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600))
}

func timeSetup(ctx context.Context, s setter, folder string) error {
	home, _, err := place(s, folder, "{\n  \"big\": \""+strings.Repeat("x", 1<<20)+"\",\n  \"mcpServers\": {}\n}\n")
	if err != nil {
		return err
	}
	var took []float64
	for i := range rounds + 3 {
		ms, err := timed(s.add(ctx, home, fmt.Sprintf("s%d", i)))
		if err != nil {
			return err
		}
		if i >= 3 {
			took = append(took, ms)
		}
	}
	fmt.Printf("%-22s %6.1f ms   median of %d, whole process, a file of 1 MB; limit %d ms\n", s.name+" --no-check", median(took), rounds, setupLimitMS)
	return nil
}

type outcome struct{ set, refused, changed, lost int }

// corpusOf sets an entry in every file of the corpus that is JSON and not of many
// megabytes.
func corpusOf(ctx context.Context, s setter, folder string) (c outcome, err error) {
	for _, f := range clientstest.Corpus() {
		if f.Client != "claude-desktop" || len(f.Content) > 2<<20 || strings.Contains(f.Content, `"our"`) {
			continue
		}
		home, path, err := place(s, folder, f.Content)
		if err != nil {
			return c, err
		}
		_ = s.add(ctx, home, "our").Run() // what it did is seen in the file
		after, err := os.ReadFile(path)
		before := []byte(f.Content)
		switch {
		case err != nil, !bytes.Equal(before, after) && len(missing(before, after)) > 0:
			c.lost++
		case bytes.Equal(before, after):
			c.refused++
		case !clientstest.Inserted(before, after):
			c.changed++
		default:
			c.set++
		}
		_ = os.RemoveAll(home)
	}
	return c, nil
}

// missing are the members and servers of before that after has no more, or that it cannot
// be read. What was no object before has nothing to lose but its bytes.
func missing(before, after []byte) (names []string) {
	was, is := members(before), members(after)
	if was == nil {
		return []string{"the file as it was"}
	}
	if is == nil {
		return []string{"all of it"}
	}
	for name := range was {
		if _, there := is[name]; !there {
			names = append(names, name)
		}
	}
	return names
}

func members(text []byte) map[string]bool {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if len(bytes.TrimSpace(text)) == 0 {
		return map[string]bool{}
	}
	plain, err := hujson.Standardize(bytes.Clone(text))
	if err != nil {
		return nil
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(plain, &top) != nil {
		return nil
	}
	all := map[string]bool{}
	for name := range top {
		all[name] = true
	}
	var servers map[string]json.RawMessage
	_ = json.Unmarshal(top["mcpServers"], &servers) // of another kind there are none
	for name := range servers {
		all["mcpServers "+name] = true
	}
	return all
}

// killed ends the program at random moments of its run. The file must be readable.
func killed(ctx context.Context, s setter, folder string) (broken int, err error) {
	content := `{"keep":1,"big":"` + strings.Repeat("x", 4<<20) + `","mcpServers":{}}`
	home, path, err := place(s, folder, content)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := s.add(ctx, home, "warm").Run(); err != nil {
		return 0, err
	}
	whole := time.Since(began)
	for i := range setupKills {
		cmd := s.add(ctx, home, fmt.Sprintf("k%d", i))
		if err := cmd.Start(); err != nil {
			return broken, err
		}
		time.Sleep(whole/2 + rand.N(whole/2)) // any moment is what this is about; the first half is the start
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		text, err := os.ReadFile(path)
		if err != nil || !members(text)["keep"] {
			broken++
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				return broken, err
			}
		}
	}
	return broken, nil
}

// raced has two processes set an entry each at the same time.
func raced(ctx context.Context, s setter, folder string) (lost, of int, err error) {
	home, path, err := place(s, folder, `{"mcpServers":{}}`)
	if err != nil {
		return 0, 0, err
	}
	for i := range setupRaces {
		names := []string{fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)}
		var both sync.WaitGroup
		for _, name := range names {
			both.Go(func() { _ = s.add(ctx, home, name).Run() }) // what it did is seen in the file
		}
		both.Wait()
		text, err := os.ReadFile(path)
		if err != nil {
			return lost, of, err
		}
		for has := members(text); len(names) > 0; names = names[1:] {
			if of++; !has["mcpServers "+names[0]] {
				lost++
			}
		}
	}
	return lost, of, nil
}
