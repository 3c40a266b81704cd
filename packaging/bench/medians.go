//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// peers pairs a benchmark with what it is measured against.
var peers = []struct{ name, peer, goal string }{
	{"BenchmarkAppend", "BenchmarkBareWriteFsync", "at most 1.5"},
	{"BenchmarkVerify", "BenchmarkBareHMAC", "at most 2"},
	{"BenchmarkQueryLast50/busy/of_1000000", "BenchmarkQueryLast50/busy/of_10000", "flat: about 1"},
	{"BenchmarkQueryLast50/rare/of_1000000", "BenchmarkByteSearch", "at most 1.5"},
	{"BenchmarkSearch", "BenchmarkByteSearch", "at most 1.5"},
	{"BenchmarkSweep/of_10_MB", "BenchmarkSweep/of_1_MB", "linear: about 10"},
}

// limits are what a benchmark may take, in milliseconds.
var limits = []struct {
	name string
	ms   float64
}{
	{"BenchmarkQueryLast50/busy/of_1000000", 20},
	{"BenchmarkQueryLast50/rare/of_1000000", 500},
	{"BenchmarkSearch", 500},
	{"BenchmarkSweep/of_10_MB", 300},
	{"BenchmarkLogin", 50},
	{"BenchmarkRows", 1},
}

// medians reads what `go test -bench -count N` prints and prints each
// benchmark's median time and the ratios to its peer.
func medians(r io.Reader, w io.Writer) error {
	var order []string
	times := map[string][]float64{}
	scan := bufio.NewScanner(r)
	for scan.Scan() {
		f := strings.Fields(scan.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") || f[3] != "ns/op" {
			if strings.HasPrefix(scan.Text(), "FAIL") || strings.HasPrefix(scan.Text(), "---") {
				return fmt.Errorf("a benchmark failed: %s", scan.Text())
			}
			continue
		}
		name := f[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 { // the number of processors
			name = name[:i]
		}
		ns, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			return err
		}
		if times[name] == nil {
			order = append(order, name)
		}
		times[name] = append(times[name], ns)
	}
	if err := scan.Err(); err != nil {
		return err
	}
	var out strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&out, "%-40s "+format+"\n", append([]any{strings.ReplaceAll(name, "Benchmark", "")}, args...)...)
	}
	for _, name := range order {
		line(name, "%12.3f ms   median of %d", median(times[name])/1e6, len(times[name]))
	}
	for _, p := range peers {
		if len(times[p.name]) > 0 && len(times[p.peer]) > 0 {
			line(p.name+" / "+p.peer, "%12.2f      goal %s", median(times[p.name])/median(times[p.peer]), p.goal)
		}
	}
	for _, l := range limits {
		if len(times[l.name]) > 0 {
			line(l.name, "%12.2f      of the limit of %.0f ms", median(times[l.name])/1e6/l.ms, l.ms)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}
