// Package metrics counts what is in the audit log and prints it as OpenMetrics or
// Prometheus text, for collectors of desktops: profile names and providers
// are labels, accounts and tokens never are.
//
// It is pure: the same events and views give the same text. A Collector is not
// safe for concurrent use.
package metrics

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Type of a family (OpenMetrics 1.0, section "Metric Types").
type Type string

// The types that occur here.
const (
	Gauge     Type = "gauge"
	Counter   Type = "counter"
	Histogram Type = "histogram"
	Info      Type = "info"
)

// Family is a metric with all its samples.
type Family struct {
	Name    string // without the suffix that the type adds
	Type    Type
	Unit    string // "" or the name's last word
	Help    string
	Samples []Sample
}

// Sample is one line.
type Sample struct {
	Suffix string // "_total", "_bucket", "_info", …
	Labels []Label
	Value  float64
}

// Label is a name and a value.
type Label struct{ Name, Value string }

// Format is a way to write metrics as text.
type Format string

// The formats. Prometheus is what node_exporter's textfile collector and scripts of
// before OpenMetrics read (Prometheus exposition formats, version 0.0.4): it has
// no info type, no unit and no end, and names counters in full.
const (
	OpenMetrics Format = "openmetrics"
	Prometheus  Format = "prometheus"
)

// Mark is what text of either format begins with.
const Mark = "# TYPE stagedoor_"

// Formats are all of them.
func Formats() []string { return []string{string(OpenMetrics), string(Prometheus)} }

// Write prints the families.
func Write(w io.Writer, families []Family, format Format) error {
	var b strings.Builder
	for _, f := range families {
		name, kind := f.Name, f.Type
		if format == Prometheus {
			switch kind {
			case Counter:
				name += "_total"
			case Info:
				name, kind = name+"_info", Gauge
			}
		}
		fmt.Fprintf(&b, "# TYPE %s %s\n", name, kind)
		if f.Unit != "" && format == OpenMetrics {
			fmt.Fprintf(&b, "# UNIT %s %s\n", name, f.Unit)
		}
		fmt.Fprintf(&b, "# HELP %s %s\n", name, escape(f.Help))
		for _, s := range f.Samples {
			b.WriteString(f.Name + s.Suffix)
			for i, l := range s.Labels {
				b.WriteByte("{,"[min(i, 1)])
				b.WriteString(l.Name + `="` + escape(l.Value) + `"`)
			}
			if len(s.Labels) > 0 {
				b.WriteByte('}')
			}
			b.WriteString(" " + strconv.FormatFloat(s.Value, 'f', -1, 64) + "\n")
		}
	}
	if format == OpenMetrics {
		b.WriteString("# EOF\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)
}

// tally counts by labels.
type tally map[string]float64

const sep = "\xff" // in no label's value: those are UTF-8

func (t tally) add(n float64, values ...string) {
	for i, v := range values {
		values[i] = text.Line(v, 200)
	}
	t[strings.Join(values, sep)] += n
}

// samples are the tally's, in the order of their labels.
func (t tally) samples(suffix string, names ...string) []Sample {
	var list []Sample
	for _, key := range slices.Sorted(maps.Keys(t)) {
		s := Sample{Suffix: suffix, Value: t[key]}
		values := strings.Split(key, sep)
		for i, name := range names {
			s.Labels = append(s.Labels, Label{name, values[i]})
		}
		list = append(list, s)
	}
	return list
}

// buckets are the upper bounds of the histogram of sessions, in seconds.
var buckets = []float64{60, 600, 3600, 4 * 3600, 12 * 3600, 24 * 3600}
