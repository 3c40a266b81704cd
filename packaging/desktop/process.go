//go:build linux

package desktop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// marker is in the environment of everything that runs in a desktop, however far down it was started.
const marker = "STAGEDOOR_DESKTOP"

// part is one of the desktop's own processes.
type part struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// spawner starts processes from one thread that lives as long as it does. Linux sends the parent-death signal when the
// starting *thread* ends, and Go may end any other thread.
type spawner struct{ jobs chan func() }

func newSpawner() *spawner {
	s := &spawner{jobs: make(chan func())}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for job := range s.jobs {
			job()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	result := make(chan error)
	s.jobs <- func() { result <- cmd.Start() }
	return <-result
}

func (s *spawner) close() { close(s.jobs) }

// spawn starts a part with its output in logs/<name>.log.
func (d *Desktop) spawn(name string, extra []*os.File, argv ...string) (*part, error) {
	p := &part{name: name, log: filepath.Join(d.dirs.logs, name+".log"), done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()
	// Not exec.CommandContext: Close decides the order in which the parts end.
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Env = d.env
	p.cmd.Dir = d.dirs.home
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.ExtraFiles = extra
	// SIGTERM and not SIGKILL, so that an orphaned Xvfb still removes its socket and lock file.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := d.spawner.start(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	d.parts = append(d.parts, p)
	return p, nil
}

// await polls until ready says yes. It fails at once when the part has ended, and with the end of its log.
func (d *Desktop) await(ctx context.Context, p *part, ready func() bool) error {
	err := poll(ctx, startTimeout, func() (bool, error) {
		select {
		case <-p.done:
			return false, errors.New("it ended")
		default:
			return ready(), nil
		}
	})
	if err != nil {
		return fmt.Errorf("start %s: %w\n%s", p.name, err, tail(p.log, 1000))
	}
	return nil
}

// poll calls ready every 20 ms until it is true, it fails, or the time is over.
func poll(ctx context.Context, limit time.Duration, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func tail(name string, n int) []byte {
	text, _ := os.ReadFile(name)
	return text[max(0, len(text)-n):]
}

// residents are the ids of all processes whose environment carries this desktop's marker. That finds what was started
// by the bus or daemonised, which no process group or parent relation does.
func (d *Desktop) residents() []int {
	want := []byte(marker + "=" + d.id)
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil {
			continue
		}
		for v := range bytes.SplitSeq(env, []byte{0}) {
			if bytes.Equal(v, want) {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

// takeDown ends every process of the desktop: programs first, so that they can say goodbye to the bus and the display,
// then those two, and whatever is left by force.
func (d *Desktop) takeDown() error {
	base := map[int]bool{}
	for _, p := range d.parts {
		if p.name == partX || p.name == partBus {
			base[p.cmd.Process.Pid] = true
		}
	}
	d.signal(syscall.SIGTERM, func(pid int) bool { return !base[pid] })
	_ = poll(context.Background(), time.Second, func() (bool, error) {
		for _, pid := range d.residents() {
			if !base[pid] {
				return false, nil
			}
		}
		return true, nil
	})
	all := func(int) bool { return true }
	gone := func() (bool, error) { return len(d.residents()) == 0, nil }
	d.signal(syscall.SIGTERM, all)
	if poll(context.Background(), 2*time.Second, gone) == nil {
		return nil
	}
	d.signal(syscall.SIGKILL, all)
	if poll(context.Background(), 2*time.Second, gone) != nil {
		return fmt.Errorf("close desktop: processes left: %v", d.residents())
	}
	return nil
}

func (d *Desktop) signal(sig syscall.Signal, which func(pid int) bool) {
	for _, pid := range d.residents() {
		if which(pid) {
			_ = syscall.Kill(pid, sig)
		}
	}
}

// output runs a small tool inside the desktop and returns what it printed, without the space around it.
func (d *Desktop) output(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	var stderr bytes.Buffer
	cmd := d.Command(ctx, name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return strings.TrimSpace(string(out)), fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
