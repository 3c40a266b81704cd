package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// undo takes the last change back.
func (w world) undo() {
	w.t.Helper()
	ch, _, err := w.PlanUndo(w.t.Context(), w.client, false)
	if err != nil {
		w.t.Fatalf("PlanUndo: %v", err)
	}
	w.apply(ch)
}

// A set-up that is taken back leaves the file as it was, whatever it was, and the undo is
// taken back, too.
func TestUndoGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	documents := map[string]func(*rapid.T) string{
		"claude-desktop": func(t *rapid.T) string {
			d := draw(t)
			return d.whole(rapid.SampledFrom([]string{"", "null", d.object(2, nil), d.object(2, []string{`"s"` + d.space() + ":" + d.space() + d.entry()})}).Draw(t, "servers"))
		},
		"codex": func(t *rapid.T) string {
			extra := rapid.SampledFrom([]string{"", "[mcp_servers.s]\ncommand = '/old' # mine\n[mcp_servers.s.env]\nA = \"1\"\n"}).Draw(t, "there")
			return string(tomlDocument().Draw(t, "document")) + "\n" + extra
		},
		"goose": func(t *rapid.T) string { return string(yamlDocument().Draw(t, "document")) },
	}
	for id, document := range documents {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			rapid.Check(t, func(r *rapid.T) {
				w := worldAt(t, home, id)
				if err := os.RemoveAll(w.BackupDir); err != nil {
					r.Fatal(err)
				}
				before := document(r)
				w.write(before)
				e := tomlEntries.Draw(r, "entry")
				set, err := w.Plan(t.Context(), w.client, "s", &e)
				if err != nil {
					r.Fatalf("%v\n%q", err, before)
				}
				w.apply(set)
				if !set.Writes() {
					return
				}
				w.undo()
				if diff := cmp.Diff(before, w.read()); diff != "" {
					r.Fatalf("-before +undone\n%s", diff)
				}
				w.undo()
				if diff := cmp.Diff(string(set.After), w.read()); diff != "" {
					r.Fatalf("-set +undone twice\n%s", diff)
				}

				// With an entry of somebody else beside it, that stays, and the rest.
				other := Change{Client: id, Path: w.path(), Name: "theirs", Entry: &shortEntry, Before: []byte(w.read()), Exists: true}
				if err := other.compute(w.client); err != nil {
					r.Fatal(err)
				}
				w.write(string(other.After))
				w.undo()
				was, err := w.client.entryIn(w.path(), []byte(before), "s")
				is, wrong := w.client.entryIn(w.path(), []byte(w.read()), "s")
				if err != nil || wrong != nil || was.sum() != is.sum() {
					r.Fatalf("the entry is %q, it was %q, %v, %v", is.text, was.text, err, wrong)
				}
				then, err := w.client.parse(w.path(), other.After)
				now, wrong := w.client.parse(w.path(), []byte(w.read()))
				if err != nil || wrong != nil {
					r.Fatal(err, wrong)
				}
				if diff := cmp.Diff(then.others(w.client, "s"), now.others(w.client, "s")); diff != "" {
					r.Fatalf("the rest -then +now\n%s", diff)
				}
			})
		})
	}
}

// What others changed since stays when a change is taken back.
func TestUndoLeavesWhatOthersDid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		client, before, after string
		change                func(w world)
		since                 func(string) string
	}{
		"a set-up": {
			"claude-desktop", "{\n  \"mcpServers\": {\n    \"x\": {}\n  }\n}\n", "{\n  \"mcpServers\": {\n    \"x\": {}\n  },\n  \"theme\": 1\n}\n",
			func(w world) { w.apply(w.plan("our", &shortEntry)) },
			func(s string) string { return strings.Replace(s, "\n}\n", ",\n  \"theme\": 1\n}\n", 1) },
		},
		"an update, of a file that its client wrote anew": {
			"claude-desktop", `{"mcpServers":{"our":{"disabled":true,"url":"https://x",/* y */"command":"/o"}}}`,
			"{\"mcpServers\": {\"our\": {\"disabled\":true,\"url\":\"https://x\",/* y */\"command\":\"/o\"} }}\n",
			func(w world) { w.apply(w.plan("our", &shortEntry)) },
			func(string) string {
				return "{\"mcpServers\": {\"our\": {\"args\": [\"run\"], \"command\": \"/s\", \"url\": \"https://x\", \"disabled\": true} }}\n"
			},
		},
		"a removal": {
			"claude-desktop", `{"mcpServers":{"our":{"disabled":true,"command":"/o"}}}`, `{"a":1,"mcpServers":{"our":{"disabled":true,"command":"/o"}}}`,
			func(w world) { w.apply(w.plan("our", nil)) },
			func(s string) string { return strings.Replace(s, "{", `{"a":1,`, 1) },
		},
		"a remote server": {
			"claude-desktop", `{"mcpServers":{"our":{"url":"https://x"}}}`, `{"a":1,"mcpServers":{"our":{"url":"https://x"}}}`,
			func(w world) { w.apply(w.plan("our", &shortEntry)) },
			func(s string) string { return strings.Replace(s, "{", `{"a":1,`, 1) },
		},
		"a removal from TOML": {
			"codex", "[mcp_servers.our]\ncommand = '/o' # mine\nstartup = 3", "x = 1\n\n[mcp_servers.our]\ncommand = '/o' # mine\nstartup = 3",
			func(w world) { w.apply(w.plan("our", nil)) },
			func(string) string { return "x = 1\n" },
		},
		"an update of TOML, at the end before": {
			"codex", "[mcp_servers.our]\ncommand = '/o' # mine", "[mcp_servers.our]\ncommand = '/o' # mine\n[x]\n",
			func(w world) { w.apply(w.plan("our", &shortEntry)) },
			func(s string) string { return s + "\n[x]\n" },
		},
		"a removal from YAML": {
			"goose", "extensions:\n  our:\n    cmd: /o # mine\n    x: |\n      y\n", "a: 1\n\nextensions:\n  our:\n    cmd: /o # mine\n    x: |\n      y\n",
			func(w world) { w.apply(w.plan("our", nil)) },
			func(s string) string { return "a: 1\n" },
		},
		"an update of YAML, at the end before": {
			"goose", "extensions:\n  our:\n    cmd: /o # mine", "extensions:\n  our:\n    cmd: /o # mine\na: 1\n",
			func(w world) { w.apply(w.plan("our", &shortEntry)) },
			func(s string) string { return s + "\na: 1\n" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.client)
			w.write(c.before)
			c.change(w)
			w.write(c.since(w.read()))
			since := w.read()
			w.undo()
			if diff := cmp.Diff(c.after, w.read()); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
			w.undo()
			if diff := cmp.Diff(since, w.read()); diff != "" {
				t.Errorf("the undo taken back: -want +got\n%s", diff)
			}
		})
	}
}

// An entry that somebody changed since is not lost without being asked for.
func TestUndoRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "claude-desktop")
	if _, _, err := w.PlanUndo(t.Context(), w.client, false); err == nil || hint.Of(err) == "" {
		t.Errorf("with nothing to take back it is %v", err)
	}
	w.apply(w.plan("our", &shortEntry))
	set := w.read()
	w.write(strings.Replace(set, `"command"`, `"env": {"K": "made-up"}, "command"`, 1))
	_, _, err := w.PlanUndo(t.Context(), w.client, false)
	if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "its args, command, env would be lost") || strings.Contains(err.Error(), "made-up") || !strings.Contains(hint.Of(err), "--force") {
		t.Errorf("of a changed entry it is %v, hint %q", err, hint.Of(err))
	}
	ch, _, err := w.PlanUndo(t.Context(), w.client, true)
	if err != nil || ch.Action != Remove {
		t.Fatalf("forced it is %s, %v", ch.Action, err)
	}
	w.apply(ch)
	if strings.Contains(w.read(), "our") {
		t.Errorf("forced it left\n%s", w.read())
	}

	// There was no file before the first change; an undo takes its file away.
	w.write(set)
	list, err := w.Backups(w.client)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range list[:len(list)-1] {
		w.forget(b)
	}
	ch, _, err = w.PlanUndo(t.Context(), w.client, false)
	if err != nil || !strings.Contains(ch.Diff(), "+++ (no file)") {
		t.Fatalf("%v\n%s", err, ch.Diff())
	}
	w.apply(ch)
	if _, err := os.Lstat(w.path()); !os.IsNotExist(err) {
		t.Errorf("the file is there: %v", err)
	}
	w.undo()
	if w.read() != set {
		t.Errorf("the undo taken back it is\n%s", w.read())
	}
}

// What a client or another Stagedoor writes between an undo's plan and the undo is not lost:
// it is part of the result, or nothing is done.
func TestUndoBesideWriters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "claude-desktop")
	w.write("{\n  \"mcpServers\": {}\n}\n")
	w.apply(w.plan("our", &shortEntry))
	done := 0
	for n := range 20 {
		ch, _, err := w.PlanUndo(t.Context(), w.client, false)
		if err != nil {
			t.Fatal(err)
		}
		if n%4 == 0 { // the client
			w.write(strings.TrimSuffix(w.read(), "\n}\n") + fmt.Sprintf(",\n  \"n%d\": 1\n}\n", n))
		}
		var both sync.WaitGroup
		if n%4 > 0 {
			other := w.plan(fmt.Sprintf("n%d", n), &shortEntry)
			both.Go(func() {
				if _, err := w.Apply(t.Context(), other); err != nil {
					t.Error(err)
				}
			})
		}
		switch _, err = w.Apply(t.Context(), ch); {
		case err == nil:
			done++
		case !errors.Is(err, ErrFileConflict):
			t.Fatal(err)
		}
		both.Wait()
		for i := range n + 1 {
			if !strings.Contains(w.read(), fmt.Sprintf(`"n%d"`, i)) {
				t.Fatalf("what was written at %d is gone at %d:\n%s", i, n, w.read())
			}
		}
		w.apply(w.plan("our", &Entry{Command: "/s", Args: []string{"run", fmt.Sprint(n)}})) // which is last again
	}
	if done == 0 {
		t.Error("nothing was ever taken back")
	}
}

// A backup comes back as a whole, also over a file that nobody understands.
func TestRestore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "claude-desktop")
	const before = "{\n  // mine\n  \"mcpServers\": {}\n}\n"
	w.write(before)
	w.apply(w.plan("our", &shortEntry))
	w.write("{ broken")
	list, err := w.Backups(w.client)
	if err != nil || len(list) != 1 || list[0].Change.Entry != "our" || list[0].Change.Action != Create {
		t.Fatalf("%+v, %v", list, err)
	}
	ch, err := w.PlanRestore(t.Context(), list[0])
	if err != nil {
		t.Fatal(err)
	}
	late := ch
	w.apply(ch)
	if w.read() != before {
		t.Errorf("it is\n%s", w.read())
	}
	w.undo()
	if w.read() != "{ broken" {
		t.Errorf("the undo of it is\n%s", w.read())
	}
	w.write("{}")
	if _, err := w.Apply(context.Background(), late); !errors.Is(err, ErrFileConflict) {
		t.Errorf("over another file than was shown: %v", err)
	}
}

// Whoever can write the state folder, and not the vault, can have no config of theirs
// put in place of a backup unnoticed.
func TestForgedBackupIsDoubted(t *testing.T) {
	t.Parallel()
	const before, evil = `{"mcpServers": {}}`, `{"mcpServers": {"x": {"command": "/tmp/evil"}}}`
	for name, c := range map[string]struct {
		forge func(w world, b Backup, base string) // base + ".json" is the copy of the last change
		says  string
	}{
		"as it is":     {func(world, Backup, string) {}, ""},
		"another copy": {func(w world, _ Backup, base string) { w.put(base+plainCopy, evil) }, "not as Stagedoor made it"},
		"another record": {func(w world, b Backup, base string) {
			b.Change.Before = sum([]byte(evil), true)
			w.put(base+plainCopy, evil)
			w.record(base, b)
		}, "not as Stagedoor made it"},
		"an own one": {func(w world, b Backup, base string) {
			b.Change.MAC, b.Change.Before = "", sum([]byte(evil), true)
			base = filepath.Join(filepath.Dir(base), "20990101T000000.000Z")
			w.put(base+plainCopy, evil)
			w.record(base, b)
		}, "nothing shows that Stagedoor made"},
		"a true one again": {func(w world, b Backup, base string) {
			base = filepath.Join(filepath.Dir(base), "20990101T000000.000Z")
			w.put(base+plainCopy, before)
			w.record(base, b)
		}, "not as Stagedoor made it"},
	} {
		w := newWorld(t, "claude-desktop")
		w.Sealer = &box{}
		w.write(before)
		w.apply(w.plan("our", &shortEntry))
		list, err := w.Backups(w.client)
		if err != nil {
			t.Fatal(err)
		}
		c.forge(w, list[0], strings.TrimSuffix(list[0].Copy, plainCopy))
		ch, _, err := w.PlanUndo(t.Context(), w.client, false)
		if err != nil || !strings.Contains(ch.Doubt, c.says) || c.says == "" && ch.Doubt != "" {
			t.Errorf("%s: %q, %v", name, ch.Doubt, err)
		}
	}
}

func (w world) put(path, content string) {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) record(base string, b Backup) {
	text, err := json.Marshal(b.Change)
	if err != nil {
		w.t.Fatal(err)
	}
	w.put(base+recordFile, string(text))
}

// box stands for the vault: it can be locked.
type box struct{ locked bool }

func (b *box) Seal(_ context.Context, w io.Writer, data []byte) error {
	if b.locked {
		return errors.New("keychain is locked")
	}
	out := slices.Clone(data)
	slices.Reverse(out)
	_, err := w.Write(out)
	return err
}

func (b *box) Unseal(_ context.Context, sealed []byte) ([]byte, error) {
	if b.locked {
		return nil, errors.New("keychain is locked")
	}
	out := slices.Clone(sealed)
	slices.Reverse(out)
	return out, nil
}

func (b *box) Vouch(_ context.Context, data []byte) (string, error) {
	if b.locked {
		return "", errors.New("keychain is locked")
	}
	return sum(append([]byte("key"), data...), true), nil
}

// Secrets of others are in no copy in plain text, for longer than the keychain is locked.
func TestCopiesWithSecretsAreSealed(t *testing.T) {
	t.Parallel()
	for id, c := range map[string]struct{ plain, secret string }{
		"claude-desktop": {`{"mcpServers": {"x": {"command": "/opt/stagedoor", "args": ["run", "--env", "API_TOKEN={access_token}", "--", "npx"], "env": {"STAGEDOOR_HOME": "/x"}}}}`, `{"mcpServers": {"x": {"command": "x", "env": {"KEY": "made-up"}}}}`},
		"vscode":         {"{\n  // none here\n  \"servers\": {}\n}", "{\n  // token=made-up\n  \"servers\": {}\n}"},
		"codex":          {"model = \"x\" # mine\n", "[x]\napi_key = \"made-up\"\n"},
		"goose":          {"GOOSE_MODE: auto\n", "# token: made-up\nextensions:\n  x:\n    cmd: x\n"},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, id)
			vault := &box{}
			w.Sealer = vault
			sealed := func() (all []bool) {
				list, err := w.Backups(w.client)
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range list {
					all = append(all, b.Sealed)
					if data, err := os.ReadFile(b.Copy); err != nil || strings.Contains(string(data), "made-up") && (b.Sealed || !vault.locked) {
						t.Errorf("%s: %v, %s", b.ID, err, data)
					}
				}
				return all
			}
			w.write(c.plain)
			w.apply(w.plan("our", &shortEntry))
			if got := sealed(); !slices.Equal(got, []bool{false}) {
				t.Errorf("without a secret: %v", got)
			}
			w.write(c.secret)
			w.apply(w.plan("our", &shortEntry))
			if got := sealed(); !slices.Equal(got, []bool{true, false}) {
				t.Errorf("with one: %v", got)
			}
			w.undo()
			if w.read() != c.secret {
				t.Errorf("it came back as\n%s", w.read())
			}

			// Those of an earlier Stagedoor, and of a locked keychain, come later.
			if err := os.WriteFile(filepath.Join(w.BackupDir, w.client.ID, "20200101T000000.000Z.json"), []byte(c.secret), 0o600); err != nil {
				t.Fatal(err)
			}
			vault.locked = true
			taking := w.plan("our", &shortEntry)
			w.apply(taking)
			set := w.read()
			if got := sealed(); !slices.Equal(got, []bool{false, true, true, false, false}) {
				t.Errorf("locked: %v", got)
			}
			w.write(c.secret)
			taking.TakesSecrets = true
			if _, err := w.Apply(t.Context(), taking); err == nil || w.read() != c.secret {
				t.Errorf("secrets that are taken out while it is locked: %v", err)
			}
			vault.locked = false
			if err := w.SealOld(t.Context(), w.client); err != nil {
				t.Fatal(err)
			}
			if got := sealed(); !slices.Equal(got, []bool{true, true, true, false, true}) {
				t.Errorf("unlocked: %v", got)
			}
			w.write(set)
			w.undo()
			if w.read() != c.secret {
				t.Errorf("after the keychain was locked it came back as\n%s", w.read())
			}
		})
	}
}
