//go:build e2e

// Package collectors reads what `stagedoor metrics` prints with the parsers that
// collectors use. It is a module of its own, so that theirs stay out of the program's
// dependencies. It needs out/lean/stagedoor.
package collectors

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// program runs stagedoor on a throwaway home, with a login that failed.
func program(t *testing.T) func(args ...string) []byte {
	t.Helper()
	path, err := filepath.Abs("../../out/lean/stagedoor")
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v: run make lean first", err)
	}
	home := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.Env = []string{
			"HOME=" + home, "PATH=" + os.Getenv("PATH"), "STAGEDOOR_HOME=" + filepath.Join(home, "state"),
			"STAGEDOOR_VAULT=file", "STAGEDOOR_KEY_FILE=" + filepath.Join(home, "key"), "WORK_SECRET=made-up-for-the-test",
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || args[0] == "metrics" || args[0] == "create-profile") {
			t.Fatalf("stagedoor %s: %v\n%s", strings.Join(args, " "), err, &stderr)
		}
		return out
	}
	run("create-profile", "work", "--provider", "oauth2", "--auth-url", "http://127.0.0.1:9/a", "--token-url", "http://127.0.0.1:9/t",
		"--client-id", "id", "--client-secret-env", "WORK_SECRET")
	run("token", "work")
	return run
}

// node_exporter's textfile collector refuses a whole file for one line that it
// cannot read.
func TestNodeExporterReadsThePrometheusFormat(t *testing.T) {
	run := program(t)
	file := filepath.Join(t.TempDir(), "stagedoor.prom")
	run("metrics", "-o", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if direct := run("metrics", "--format", "prometheus"); len(direct) == 0 {
		t.Error("nothing on standard output")
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if f := families["stagedoor_login_attempts_total"]; f == nil || f.GetType().String() != "COUNTER" || f.GetHelp() == "" {
		t.Errorf("counters: %v", f)
	}
	if f := families["stagedoor_client_secret_age_seconds"]; f == nil || f.GetType().String() != "GAUGE" || f.GetMetric()[0].GetLabel()[0].GetValue() != "work" {
		t.Errorf("gauges: %v", f)
	}
	if f := families["stagedoor_build_info"]; f == nil || f.GetMetric()[0].GetGauge().GetValue() != 1 {
		t.Errorf("the program: %v", f)
	}
}

// Prometheus reads OpenMetrics, types included.
func TestPrometheusReadsOpenMetrics(t *testing.T) {
	text := program(t)("metrics")
	parser := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	types, series := map[string]string{}, 0
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		switch entry {
		case textparse.EntryType:
			name, kind := parser.Type()
			types[string(name)] = string(kind)
		case textparse.EntrySeries:
			series++
		}
	}
	if types["stagedoor_login_attempts"] != "counter" || types["stagedoor_build"] != "info" || series < 10 {
		t.Errorf("%d series of %v", series, types)
	}
}
