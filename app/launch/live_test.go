package launch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// keeper hands out one token after the other.
type keeper struct {
	mu     sync.Mutex
	access auth.Access
	handed int             // tokens that were noted
	doubts []secret.String // of which the provider was asked
	locked error
	asked  int // how often the user may have been asked to unlock the keychain
}

func (k *keeper) Fresh(ctx context.Context, _ profile.Profile) (auth.Access, error) {
	if vault.Wait(ctx) > 0 {
		k.asked++
	}
	return k.now(), k.locked
}

func (k *keeper) now() auth.Access {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.access
}

// hold makes the account and the token that it has others.
func (k *keeper) hold(id string, token secret.String) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.access.ProfileID, k.access.Token = id, token
}

func (k *keeper) Holds(context.Context, profile.Profile, auth.Access) (bool, error) {
	return true, nil
}

func (k *keeper) Doubt(_ context.Context, _ profile.Profile, had auth.Access) bool {
	k.doubts = append(k.doubts, had.Token)
	return true
}

func (k *keeper) RecordRefusal(context.Context, profile.Profile, string, error) {}

func (k *keeper) RecordHandOut(context.Context, profile.Profile) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.handed++
}

func newLive(t *testing.T, d launch.Delivery) (*launch.Live, *keeper, string) {
	t.Helper()
	k := &keeper{access: auth.Access{Token: "tok-1", Type: "Bearer", Expires: time.Now().Add(time.Hour), Renews: time.Now().Add(time.Hour), ProfileID: "p1"}}
	dir := t.TempDir()
	l := &launch.Live{
		Keeper: k, Delivery: d, Program: "/usr/bin/server", Environ: []string{"PATH=/usr/bin"},
		Find:    func() (profile.Profile, error) { return profile.Profile{ID: k.now().ProfileID}, nil },
		RunDirs: func() ([]string, error) { return []string{"", filepath.Join(dir, "none"), dir}, nil },
	}
	t.Cleanup(l.Close)
	return l, k, dir
}

// A token in a file is the owner's alone, is replaced as a whole, never comes to a
// server of another account, and goes with the launcher.
func TestTokenFile(t *testing.T) {
	file, err := launch.ParseFile("a/session.json={\"t\":\"{access_token}\"}")
	if err != nil {
		t.Fatal(err)
	}
	l, k, parent := newLive(t, launch.Delivery{Files: []launch.File{file}, Rereads: true, InRunDir: true})
	first, err := l.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read := func(dir string) string {
		data, err := os.ReadFile(filepath.Join(dir, "a/session.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if got := read(first.Dir); got != `{"t":"tok-1"}` {
		t.Errorf("the file has %s", got)
	}
	for path, want := range map[string]os.FileMode{first.Dir: 0o700, filepath.Join(first.Dir, "a"): 0o700, filepath.Join(first.Dir, "a/session.json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	k.hold("p1", "tok-2")
	next, err := l.Fresh(t.Context())
	if err != nil || next.Dir != first.Dir || next.Renew == nil {
		t.Fatalf("the next token: %+v, %v", next, err)
	}
	if got := read(first.Dir); got != `{"t":"tok-1"}` {
		t.Errorf("the file has %s before the server is at rest", got)
	}
	if err := next.Renew(); err != nil || read(first.Dir) != `{"t":"tok-2"}` {
		t.Errorf("renewed: %v, %s", err, read(first.Dir))
	}
	k.hold("p2", "other")
	other, err := l.Fresh(t.Context())
	if err != nil || other.Dir == first.Dir || other.Renew != nil || read(first.Dir) != `{"t":"tok-2"}` || read(other.Dir) != `{"t":"other"}` {
		t.Errorf("another account: %+v, %v", other, err)
	}
	l.Close()
	if left, _ := filepath.Glob(parent + "/*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A server that reads its file once has one of its own, which goes with it: a launcher
// runs for days. So does the port at which it asks for tokens.
func TestServerTakesItsTokenAlong(t *testing.T) {
	file, err := launch.ParseFile("session.json={access_token}")
	if err != nil {
		t.Fatal(err)
	}
	l, k, parent := newLive(t, launch.Delivery{Files: []launch.File{file}, Endpoint: true})
	first, err := l.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k.hold("p1", "tok-2")
	if _, err := l.Fresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.Done()
	files, err := filepath.Glob(parent + "/*/session.json")
	if err != nil || len(files) != 1 {
		t.Errorf("files: %q, %v", files, err)
	}
	for _, kv := range first.Env {
		if url, ok := strings.CutPrefix(kv, launch.EndpointURL+"="); ok {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_ = resp.Body.Close()
				t.Error("its port is still open")
			}
		}
	}
}

// What cannot be made ready as a whole leaves no token behind: a client tries again and
// again.
func TestNothingIsLeftOfHalfADelivery(t *testing.T) {
	var files []launch.File
	for _, template := range []string{"token={access_token}", "token/too={access_token}"} {
		file, err := launch.ParseFile(template)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	l, _, parent := newLive(t, launch.Delivery{Files: files})
	if _, err := l.Fresh(t.Context()); err == nil {
		t.Error("a file stands in the place of a folder, and no error")
	}
	if left, _ := filepath.Glob(parent + "/*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// What a killed launcher left is removed by the next one, and nobody else's.
func TestRunDirsOfKilledLaunchers(t *testing.T) {
	parent := t.TempDir()
	held, err := launch.NewRunDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(parent, "stagedoor-run-1")
	if err := os.MkdirAll(killed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".lock", "token"} {
		if err := os.WriteFile(filepath.Join(killed, name), []byte("tok"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-time.Minute)
	if err := os.Chtimes(killed, before, before); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(parent, "others"), 0o700); err != nil {
		t.Fatal(err)
	}
	next, err := launch.NewRunDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(parent + "/*")
	slices.Sort(left)
	want := []string{filepath.Join(parent, "others"), held.Path, next.Path}
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("there is %q, want %q", left, want)
	}
}

// A client starts all its servers at once: none of the launchers takes away the folder
// that another one is making.
func TestRunDirsMadeAtOnce(t *testing.T) {
	parent := t.TempDir()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 50 {
				d, err := launch.NewRunDir(parent)
				if err == nil {
					_, err = os.Stat(d.Path)
					d.Remove()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// A folder in which nothing can be made, as a runtime folder that is gone, is passed
// over: the server starts all the same.
func TestRunDirWhereThereIsPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good, later := t.TempDir(), t.TempDir()
	d, err := launch.NewRunDir("", "relative", file, filepath.Join(file, "none"), good, later)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Remove()
	if real, err := filepath.EvalSymlinks(good); err != nil || filepath.Dir(d.Path) != real {
		t.Errorf("it is %s, want one in %s (%v)", d.Path, real, err)
	}
	if d, err := launch.NewRunDir("relative", file); err == nil || hint.Of(err) == "" {
		t.Errorf("%+v, %v", d, err)
	}
}

// A port is looked for when a template names one, and is the same in all of them.
func TestFreePort(t *testing.T) {
	values := launch.ValuesOf(auth.Access{})
	first, err := launch.Var{Name: "A", Template: "{free_port}"}.Render(values)
	if err != nil {
		t.Fatal(err)
	}
	again, err := launch.File{Path: "a", Template: "port {free_port}"}.Render(values)
	unasked := launch.Values{FreePort: func() string { t.Error("a port was looked for"); return "" }}
	if _, err := (launch.Var{Name: "A", Template: "{access_token}"}).Render(unasked); err != nil {
		t.Error(err)
	}
	if n, _ := strconv.Atoi(first); err != nil || n < 1024 || again != "port "+first {
		t.Errorf("%q and %q, %v", first, again, err)
	}
}

// The endpoint gives the token to who has the key and comes by the right name, and to
// a server of the same account only.
func TestEndpoint(t *testing.T) {
	l, k, _ := newLive(t, launch.Delivery{Endpoint: true})
	c, err := l.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !c.Expires.IsZero() || !c.Renews.IsZero() {
		t.Error("a server that asks for tokens is started anew when the first one ends")
	}
	find := func(name string) string {
		i := slices.IndexFunc(c.Env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
		if i < 0 {
			t.Fatalf("no %s in %q", name, c.Env)
		}
		return strings.TrimPrefix(c.Env[i], name+"=")
	}
	url, key := find("STAGEDOOR_TOKEN_URL"), find("STAGEDOOR_TOKEN_KEY")
	ask := func(method, host, key string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if req.Header.Set("Authorization", "Bearer "+key); host != "" {
			req.Host = host
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	k.hold("p1", "tok-2")
	status, body := ask("GET", "", key)
	var answer struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || answer.Token != "tok-2" || answer.Expires < 3500 || answer.Expires > 3600 {
		t.Errorf("status %d: %s", status, body)
	}
	k.mu.Lock()
	handed := k.handed
	k.mu.Unlock()
	if handed != 1 {
		t.Errorf("%d tokens were noted, want 1", handed)
	}
	for what, got := range map[string]func() (int, string){
		"another key":     func() (int, string) { return ask("GET", "", "wrong") },
		"no key":          func() (int, string) { return ask("GET", "", "") },
		"another host":    func() (int, string) { return ask("GET", "evil.example", key) },
		"another method":  func() (int, string) { return ask("POST", "", key) },
		"another account": func() (int, string) { k.hold("p2", "tok-2"); return ask("GET", "", key) },
	} {
		if status, body := got(); status == 200 || strings.Contains(body, "tok-") {
			t.Errorf("%s: status %d, %s", what, status, body)
		}
		k.hold("p1", "tok-2")
	}
}

// The provider is asked once for each token that an API refuses, and not for one that
// an earlier server has.
func TestProviderIsAskedOnceForAToken(t *testing.T) {
	l, k, _ := newLive(t, launch.Delivery{Env: []launch.Var{{Name: "T", Template: "{access_token}"}}})
	first, err := l.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !l.Doubt(t.Context(), first) || l.Doubt(t.Context(), first) {
		t.Error("of a token that is dead it is not said once that it is")
	}
	k.hold("p1", "tok-2")
	second, err := l.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l.Doubt(t.Context(), first) || !l.Doubt(t.Context(), second) {
		t.Error("another server's token was asked for")
	}
	if !slices.Equal(k.doubts, []secret.String{"tok-1", "tok-2"}) {
		t.Errorf("the provider was asked of %d tokens", len(k.doubts))
	}
}

// A token without an end may be refused for what it may not do, and be dead a week later.
func TestProviderIsAskedAgainOfATokenWithoutAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, k, _ := newLive(t, launch.Delivery{Env: []launch.Var{{Name: "T", Template: "{access_token}"}}})
		c, err := l.Fresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			l.Doubt(t.Context(), c)
			time.Sleep(5 * time.Minute)
		}
		time.Sleep(15 * time.Minute)
		if !l.Doubt(t.Context(), c) || len(k.doubts) != 2 {
			t.Errorf("within an hour the provider was asked %d times, want 2", len(k.doubts))
		}
	})
}

// A client may call a tool once a second: who declines to unlock the keychain must not
// have the next dialog before the eyes at once.
func TestWhoDeclinesToUnlockIsLeftInPeace(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		asks int // in two minutes
	}{
		"declined":      {fmt.Errorf("%w: dismissed", vault.ErrLocked), 2},
		"not answered":  {vault.ErrWaiting, 120}, // the prompt is still open
		"another error": {vault.ErrUnavailable, 120},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &keeper{locked: test.err}
				l := &launch.Live{Keeper: k, Find: func() (profile.Profile, error) { return profile.Profile{ID: "p"}, nil }}
				ctx := vault.WithWait(t.Context(), vault.DefaultWait)
				for range 120 {
					if _, err := l.Fresh(ctx); err == nil {
						t.Fatal("there is a token")
					}
					time.Sleep(time.Second)
				}
				if k.asked != test.asks {
					t.Errorf("the user was asked %d times, want %d", k.asked, test.asks)
				}
				k.locked, k.access = nil, auth.Access{ProfileID: "p", Token: "t"}
				if _, err := l.Fresh(ctx); err != nil {
					t.Errorf("once it is unlocked: %v", err)
				}
			})
		})
	}
}
