//go:build e2e && linux

package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// watchArgv collects the command line of every process on the machine for as
// long as the test runs: argv is what any user can read.
func watchArgv(t *testing.T) func() map[string]bool {
	seen := map[string]bool{}
	var mu sync.Mutex
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, path := range paths {
				if data, err := os.ReadFile(path); err == nil && len(data) > 0 {
					mu.Lock()
					seen[string(data)] = true
					mu.Unlock()
				}
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	var once sync.Once
	end := func() map[string]bool {
		once.Do(func() { close(stop); <-done })
		return seen
	}
	t.Cleanup(func() { end() })
	return end
}

// noCanary fails if a secret is anywhere but in the keyring: in a file below
// the desktop's folder (home, logs, state), in a command line, a notification,
// or in what the commands said.
func (s *stage) noCanary(canaries []string, argv map[string]bool) {
	s.t.Helper()
	canaries = uniqueLong(canaries)
	if len(canaries) < 5 {
		s.t.Fatalf("only %d canaries: the test would look for too little", len(canaries))
	}
	search := func(where string, data []byte) {
		for _, c := range canaries {
			if bytes.Contains(data, []byte(c)) {
				s.t.Errorf("a secret is in %s", where)
			}
		}
	}
	files := 0
	// Sockets, and files that programs remove meanwhile, are passed over.
	err := filepath.WalkDir(s.Dir(), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if data, err := os.ReadFile(path); err == nil {
				files++
				search(path, data)
			}
		}
		return nil
	})
	if err != nil || files < 20 {
		s.t.Fatalf("looked at %d files only: %v", files, err)
	}
	for line := range argv {
		search("a command line: "+strings.ReplaceAll(line, "\x00", " "), []byte(line))
	}
	for _, n := range s.Notifications() {
		search("a notification", []byte(n.Summary+n.Body))
	}
	search("what the commands said", s.said.Bytes())
	s.t.Logf("looked for %d secrets in %d files, %d command lines and %d notifications", len(canaries), files, len(argv), len(s.Notifications()))
}

func uniqueLong(in []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, c := range in {
		if len(c) >= 12 && !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}
