//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/packaging/authserver"
	"github.com/stagedoor-app/stagedoor/packaging/desktop"
)

const (
	messages = 10_000  // of a latency run
	flood    = 100_000 // of a throughput run
	runs     = 3
	longLine = 60 << 20
)

// proxy measures what it costs an MCP client that `stagedoor run` stands between it
// and the server. The server is cat, which answers each message with itself, so that
// the peer is a bare pipe; and server-everything for the start.
func proxy(ctx context.Context, program string) error {
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
	bare := func(args ...string) *exec.Cmd { return d.Command(ctx, args[0], args[1:]...) }
	behind := func(args ...string) *exec.Cmd {
		return d.Command(ctx, program, append([]string{"run", "--profile", "work", "--env", "API_TOKEN={access_token}", "--"}, args...)...)
	}
	var p50, p99, rate, alone, most []float64
	for range runs {
		a, b, err := latency(bare("cat"))
		if err != nil {
			return err
		}
		x, y, err := latency(behind("cat"))
		if err != nil {
			return err
		}
		t, err := throughput(bare("cat"))
		if err != nil {
			return err
		}
		u, err := throughput(behind("cat"))
		if err != nil {
			return err
		}
		// As many pipes as with the launcher, and nobody who reads what is in them.
		v, err := throughput(bare("sh", "-c", "cat | cat | cat"))
		if err != nil {
			return err
		}
		p50, p99 = append(p50, x-a), append(p99, y-b)
		rate, alone = append(rate, u/t), append(alone, u)
		most = append(most, v/t)
	}
	fmt.Printf("added latency, half   %6.0f µs   median of %d runs, goal at most 30\n", median(p50), runs)
	fmt.Printf("added latency, 99 %%   %6.0f µs   goal at most 300\n", median(p99))
	fmt.Printf("throughput            %6.0f MB/s of messages of 1 KB, both ways\n", median(alone))
	fmt.Printf("against a bare pipe   %6.2f      goal at least 0.8; %.2f is what three cats in a row reach, whose pipes are as many\n", median(rate), median(most))
	if err := first(bare, behind); err != nil {
		return err
	}
	return weight(behind("cat"))
}

// first compares how long a client waits for the first answer of a real server.
func first(bare, behind func(args ...string) *exec.Cmd) error {
	modules, err := filepath.Abs("packaging/npm/node_modules")
	if err != nil {
		return err
	}
	everything := []string{modules + "/node/bin/node", modules + "/@modelcontextprotocol/server-everything/dist/index.js", "stdio"}
	var with, without, more []float64
	for range 2*runs + 1 {
		a, err := hello(bare(everything...))
		if err != nil {
			return err
		}
		b, err := hello(behind(everything...))
		if err != nil {
			return err
		}
		without, with, more = append(without, a), append(with, b), append(more, b-a)
	}
	fmt.Printf("first answer          %6.0f ms   %.0f without: %.0f more, goal at most 15\n", median(with), median(without), median(more))

	// mcp-remote stands in front of the same server, which runs already.
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	remote := bare(everything[0], everything[1], "streamableHttp")
	remote.Env = append(remote.Env, "PORT="+port)
	if err := remote.Start(); err != nil {
		return err
	}
	defer func() {
		_ = remote.Process.Kill()
		_ = remote.Wait()
	}()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c, err := (&net.Dialer{}).DialContext(context.Background(), "tcp4", "127.0.0.1:"+port); err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			return errors.New("the server does not listen")
		}
	}
	var peer []float64
	for range 2*runs + 1 {
		took, err := hello(bare(everything[0], modules+"/mcp-remote/dist/proxy.js", "http://127.0.0.1:"+port+"/mcp", "--allow-http", "--transport", "http-only"))
		if err != nil {
			return err
		}
		peer = append(peer, took)
	}
	fmt.Printf("against mcp-remote    %6.2f      is what is added to that answer, of the %.0f ms that mcp-remote takes before the same server, which runs; goal at most 0.2\n",
		median(more)/median(peer), median(peer))
	return nil
}

// client is the end of a pipe that a test's client holds.
type client struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func open(cmd *exec.Cmd) (*client, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &client{cmd, in, bufio.NewReaderSize(out, 128<<10)}, cmd.Start()
}

func (c *client) close() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
}

// ask sends a line and returns the length of the next.
func (c *client) ask(line string) (n int, err error) {
	if _, err := io.WriteString(c.in, line); err != nil {
		return 0, err
	}
	for {
		piece, err := c.out.ReadSlice('\n')
		n += len(piece)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return n, err
		}
	}
}

func call(size int) string {
	const head = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":"`
	return head + strings.Repeat("y", max(0, size-len(head)-5)) + "\"}}}\n"
}

// latency returns the half and the 99th of a hundred of round trips, in µs.
func latency(cmd *exec.Cmd) (half, most float64, err error) {
	c, err := open(cmd)
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	line := call(300)
	var all []float64
	for i := range messages {
		begin := time.Now()
		if _, err := c.ask(line); err != nil {
			return 0, 0, err
		}
		if i >= messages/10 { // the first ones start the server
			all = append(all, float64(time.Since(begin).Nanoseconds())/1e3)
		}
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100], nil
}

// throughput returns megabytes a second, of messages of 1 KB that are not waited for.
func throughput(cmd *exec.Cmd) (float64, error) {
	c, err := open(cmd)
	if err != nil {
		return 0, err
	}
	defer c.close()
	line := call(1024)
	if _, err := c.ask(line); err != nil {
		return 0, err
	}
	begin := time.Now()
	sent := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(c.in, 64<<10)
		for range flood {
			if _, err := w.WriteString(line); err != nil {
				sent <- err
				return
			}
		}
		sent <- w.Flush()
	}()
	for range flood {
		if _, err := c.out.ReadSlice('\n'); err != nil {
			return 0, err
		}
	}
	return float64(flood*len(line)) / 1e6 / time.Since(begin).Seconds(), <-sent
}

// hello returns how long the answer to initialize takes, in ms.
func hello(cmd *exec.Cmd) (float64, error) {
	begin := time.Now()
	c, err := open(cmd)
	if err != nil {
		return 0, err
	}
	defer c.close()
	_, err = c.ask(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}` + "\n")
	return float64(time.Since(begin).Microseconds()) / 1e3, err
}

// weight prints what the launcher takes, idle and with a message of 60 MB.
func weight(cmd *exec.Cmd) error {
	c, err := open(cmd)
	if err != nil {
		return err
	}
	defer c.close()
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}` + "\n",
		`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n",
	} {
		if _, err := c.ask(line); err != nil {
			return err
		}
	}
	time.Sleep(2 * time.Second) // start-up's garbage is not idleness
	pid := c.cmd.Process.Pid
	resident, err := residentMB(pid)
	if err != nil {
		return err
	}
	before, err := ticks(pid)
	if err != nil {
		return err
	}
	time.Sleep(idleSeconds * time.Second)
	after, err := ticks(pid)
	if err != nil {
		return err
	}
	own, err := memoryMB(pid, "RssAnon")
	if err != nil {
		return err
	}
	fmt.Printf("launcher, idle        %6.1f MB   goal at most 14; %.1f of it is its own, the rest is the program's code, which launchers share; %d CPU ticks in %d s, limit 0\n",
		resident, own, after-before, idleSeconds)
	begin := time.Now()
	if n, err := c.ask(call(longLine)); err != nil || n < longLine {
		return fmt.Errorf("a message of 60 MB came back with %d bytes: %w", n, err)
	}
	took := time.Since(begin)
	peak, err := memoryMB(pid, "VmHWM")
	if err != nil {
		return err
	}
	if _, err := c.ask(call(100)); err != nil {
		return err
	}
	if resident, err = residentMB(pid); err != nil {
		return err
	}
	fmt.Printf("a message of 60 MB    %6.0f MB   at its peak, limit 200; %.1f s there and back; %.0f MB afterwards\n", peak, took.Seconds(), resident)
	return nil
}
