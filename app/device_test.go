package app_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagedoor-app/stagedoor/auth/authtest"
)

// device allow|deny ARG… does `login --device ARG…` as a person with a second
// device would: reads the address and the code, goes to the one and types the
// other. Standard output goes to the file device.out. With --json the code has
// to be on standard error.
func device(ts *testscript.TestScript, neg bool, args []string) {
	program, err := exec.LookPath("stagedoor")
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"login", "--device"}, args[1:]...)...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "STAGEDOOR_HOME", "STAGEDOOR_VAULT", "STAGEDOOR_PASSPHRASE_FILE", "PATH"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	var other bytes.Buffer
	cmd.Stderr = &other
	shown := io.Reader(stdout)
	if strings.Contains(strings.Join(args, " "), "--json") {
		cmd.Stderr, cmd.Stdout = nil, &other
		shown, err = cmd.StderrPipe()
		ts.Check(err)
	}
	ts.Check(cmd.Start())
	var text strings.Builder
	lines := bufio.NewScanner(io.TeeReader(shown, &text))
	var told []string // the lines that stand alone: the address, then the code
	for len(told) < 2 && lines.Scan() {
		if line, ok := strings.CutPrefix(lines.Text(), "  "); ok {
			told = append(told, line)
		}
	}
	if len(told) < 2 {
		ts.Fatalf("there was no code: %s", text.String())
	}
	person := &authtest.Browser{Account: "grace", Deny: args[0] == "deny"}
	ts.Check(person.Open(ctx, told[0]+"?user_code="+url.QueryEscape(strings.ToLower(told[1]))))
	for lines.Scan() { // to the end
	}
	err = cmd.Wait()
	if (err != nil) != neg {
		ts.Fatalf("it ended with %v: %s%s", err, text.String(), other.String())
	}
	out, errs := text.String(), other.String()
	if shown != io.Reader(stdout) {
		out, errs = errs, out
	}
	ts.Check(os.WriteFile(ts.MkAbs("device.out"), []byte(out), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("device.err"), []byte(errs), 0o600))
}
