//go:build e2e && linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/webapi"
)

// studio is a state folder with the accounts ann and bob at one provider, whose
// authorization server is a real one and whose web API is stood in for.
type studio struct {
	starter
	t      *testing.T
	server *authserver.Server
	api    *webapi.API
	dir    string
	env    []string // of clients, and of the servers that they start
}

// newStudio signs both in, and selects ann.
func newStudio(t *testing.T, provider string, ttl time.Duration, flags ...string) *studio {
	t.Helper()
	server, err := authserver.Start(context.Background(), authserver.Options{TTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	s := &studio{t: t, server: server, dir: t.TempDir()}
	ca := filepath.Join(s.dir, "ca.pem")
	if s.api, err = webapi.Start(t.Context(), server.Issuer, authserver.PublicClientID, ca); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.api.Close)
	root, err := authserver.Root()
	if err != nil {
		t.Fatal(err)
	}
	envs := filepath.Join(root, "packaging", "python", ".venv")
	s.env = append(s.api.Env(ca),
		"HOME="+s.dir, "PATH="+filepath.Join(envs, "servers", "bin")+":"+filepath.Join(envs, "uv", "bin")+":"+os.Getenv("PATH"),
		"STAGEDOOR_HOME="+filepath.Join(s.dir, "state"), "STAGEDOOR_VAULT=file", "STAGEDOOR_KEY_FILE="+filepath.Join(s.dir, "key"),
		"XDG_RUNTIME_DIR="+s.dir, mark+s.dir, "BROWSER="+browser,
		// The TIDAL server starts a part of itself by uv, which takes what is installed there.
		"VIRTUAL_ENV="+filepath.Join(envs, "servers"), "UV_OFFLINE=1", "UV_CACHE_DIR="+filepath.Join(s.dir, "uv"),
	)
	t.Cleanup(func() { s.endAll() })
	s.starter = func(ctx context.Context, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, lean, args...)
		cmd.Env = s.env
		return cmd
	}
	create := []string{"--provider", provider}
	switch provider {
	case "tidal": // wants a fixed port, and gives one refresh token for good
		create = append(create, "--redirect-port", freePort(t))
		if err := server.SetRotation(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	case "oidc":
		create = append(create, append([]string{"--issuer", server.Issuer}, flags...)...)
	}
	s.env = append(s.env, "FAKEBROWSER_ACCOUNT=")
	for _, name := range []string{"bob", "ann"} {
		s.must(t, append([]string{"create-profile", name, "--client-id", authserver.PublicClientID}, create...)...)
		s.env[len(s.env)-1] = "FAKEBROWSER_ACCOUNT=" + name
		s.must(t, "login", name)
	}
	s.must(t, "use", "ann")
	return s
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// The clients of packaging, on the two official SDKs.
var sdks = map[string]func(root string) []string{
	"python": func(root string) []string {
		return []string{filepath.Join(root, "packaging", "python", ".venv", "sdk", "bin", "python"), filepath.Join(root, "packaging", "python", "client.py")}
	},
	"typescript": func(root string) []string {
		return []string{node(), filepath.Join(root, "packaging", "npm", "client.mjs")}
	},
}

// calls is what a client is to do.
type calls struct {
	Command  string   `json:"command"`
	Args     []string `json:"args,omitempty"`
	Tools    []tool   `json:"tools"`
	Calls    int      `json:"calls"`
	Parallel int      `json:"parallel,omitempty"`
	Every    float64  `json:"every"` // seconds
	Mode     string   `json:"mode,omitempty"`
}

// file writes the plan that a client takes.
func (c calls) file(t *testing.T) string {
	t.Helper()
	plan, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, plan, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type tool struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments"`
}

// said is a line of a client's.
type said struct {
	Event   string  `json:"event"` // open, call, notification or end
	ID      int     `json:"id"`
	Tool    string  `json:"tool"`
	Start   float64 `json:"start"`
	Took    float64 `json:"took"`
	At      float64 `json:"at"`
	Text    string  `json:"text"`
	IsError bool    `json:"is_error"`
	Failed  string  `json:"failed"`
	Method  string  `json:"method"`
	Version string  `json:"version"`
}

// begun is when a call was made.
func (s said) begun() time.Time { return seconds(s.Start) }

func (s said) answered() time.Time { return seconds(s.Start + s.Took) }

func seconds(s float64) time.Time { return time.UnixMicro(int64(s * 1e6)) }

// client runs a client to its end and returns what it said. each is called for every
// line as it comes.
func (s *studio) client(sdk string, c calls, each func(said)) (lines []said, notes string) {
	s.t.Helper()
	root, err := authserver.Root()
	if err != nil {
		s.t.Fatal(err)
	}
	args := append(sdks[sdk](root), c.file(s.t))
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute+time.Duration(float64(c.Calls)*c.Every*float64(time.Second)))
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var errs bytes.Buffer
	cmd.Env = append(append([]string{}, s.env...), "TIDAL_MCP_PORT="+freePort(s.t))
	cmd.Dir, cmd.Stderr, cmd.WaitDelay = s.dir, &errs, 10*time.Second
	hold, err := cmd.StdinPipe() // it ends when this does
	if err != nil {
		s.t.Fatal(err)
	}
	defer hold.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	scan := bufio.NewScanner(stdout)
	scan.Buffer(nil, 1<<24)
	for scan.Scan() {
		var line said
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			s.t.Errorf("the client said %q", scan.Text())
			continue
		}
		lines = append(lines, line)
		if each != nil {
			each(line)
		}
	}
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("the client ended with %v\n%s", err, errs.String())
	}
	return lines, errs.String()
}

// mark is a variable that all processes of a studio have.
const mark = "TEST_STUDIO="

// running are the processes of this studio, and what they are.
func (s *studio) running() map[int]string {
	found := map[int]string{}
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		env, _ := os.ReadFile(path) // of others, and of those that have ended, there is none
		if !bytes.Contains(env, []byte("\x00"+mark+s.dir+"\x00")) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && len(line) > 0 {
			found[pid] = string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
		}
	}
	return found
}

func (s *studio) endAll() {
	for pid := range s.running() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// only returns the lines of one event.
func only(event string, lines []said) (found []said) {
	for _, l := range lines {
		if l.Event == event {
			found = append(found, l)
		}
	}
	return found
}

// musicServer is an MCP server of PyPI.
type musicServer struct {
	provider, recipe, program string
	// deliver puts a token where the server reads it, without Stagedoor.
	deliver func(dir, token string) (env []string, file, content string)
}

var musicServers = map[string]musicServer{
	"spotify": {"spotify", "spotify-mcp-server", "spotify-mcp-server", func(dir, token string) ([]string, string, string) {
		return []string{"SPOTIFY_CLIENT_ID=id", "SPOTIFY_CLIENT_SECRET=none", "SPOTIFY_REDIRECT_URI=http://127.0.0.1/callback", "SPOTIFY_CACHE_DIR=" + dir},
			".spotify_cache", fmt.Sprintf(`{"access_token": %q, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "none", "expires_at": 4102444800,
				"scope": "playlist-modify-public playlist-modify-private user-library-read user-read-private user-top-read"}`, token)
	}},
	"tidal": {"tidal", "tidal-mcp-flask", "tidal-mcp", func(dir, token string) ([]string, string, string) {
		return []string{"TMPDIR=" + dir}, "tidal-session-oauth.json", fmt.Sprintf(
			`{"token_type": {"data": "Bearer"}, "session_id": {"data": null}, "access_token": {"data": %q}, "refresh_token": {"data": null}, "is_pkce": {"data": false}}`, token)
	}},
}

// lists asks for the account's playlists, of which the stand-in has one that is named
// after the account.
var lists = []tool{{Name: "get_user_playlists"}}

// of is whose list a tool returned, or "".
func of(l said) string {
	_, after, found := strings.Cut(l.Text, "The list of ")
	if !found || l.IsError || l.Failed != "" {
		return ""
	}
	return after[:3]
}

// The servers as they are, with a token that lives, and then with one that does not:
// what the other tests build on.
func TestMusicServersAlone(t *testing.T) {
	for name, m := range musicServers {
		t.Run(name, func(t *testing.T) {
			s := newStudio(t, m.provider, time.Hour)
			run := func(token string) []said {
				dir := t.TempDir()
				env, file, content := m.deliver(dir, token)
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				with := *s
				with.env = append(append([]string{}, s.env...), env...)
				lines, notes := with.client("python", calls{Command: m.program, Tools: lists, Calls: 2}, nil)
				s.endAll() // the TIDAL server leaves a part of itself behind
				if t.Failed() {
					t.Log(notes)
				}
				return lines
			}
			lines := run(s.must(t, "token", "ann"))
			for _, l := range only("call", lines) {
				if of(l) != "ann" {
					t.Errorf("with a token of ann's it says %+v", l)
				}
			}
			if len(only("end", lines)) != 1 || len(only("call", lines)) != 2 {
				t.Errorf("the client did not come to its end: %+v", lines)
			}
			before := len(s.api.Calls())
			for _, l := range only("call", run("never-given")) {
				if of(l) != "" || !l.IsError && !strings.Contains(l.Text, `"success": false`) {
					t.Errorf("with no good token it says %+v", l)
				}
			}
			if made := s.api.Calls()[before:]; len(made) == 0 || made[0].Refused == "" {
				t.Errorf("the API saw %+v", made)
			}
		})
	}
}

// nothingRuns checks that with the client, all has ended that it started.
func (s *studio) nothingRuns() {
	s.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); len(s.running()) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Errorf("these still run: %v", s.running())
			return
		}
	}
}
