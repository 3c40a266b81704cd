package collectors

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// text is what the tests of app/metrics say that it writes: every type, and labels
// whose values somebody else chose.
func text(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../../app/metrics/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestNodeExporterReadsEveryType(t *testing.T) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text(t, "node_exporter.prom")))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"stagedoor_build_info": "GAUGE", "stagedoor_login_failures_total": "COUNTER", "stagedoor_alerts": "GAUGE",
		"stagedoor_session_duration_seconds": "HISTOGRAM", "stagedoor_certificate_remaining_seconds": "GAUGE",
	} {
		if f := families[name]; f == nil || f.GetType().String() != want || f.GetHelp() == "" {
			t.Errorf("%s: %v", name, f)
		}
	}
	for name, f := range families {
		if f.GetType().String() == "UNTYPED" {
			t.Errorf("%s has no type", name)
		}
	}
	if h := families["stagedoor_session_duration_seconds"].GetMetric()[0].GetHistogram(); h.GetSampleCount() != 2 || h.GetSampleSum() != 1000061 {
		t.Errorf("sessions: %v", h)
	}
	if got := families["stagedoor_build_info"].GetMetric()[0].GetLabel()[0].GetValue(); got != `1.0 "x\` {
		t.Errorf("a label came back as %q", got)
	}
}

// This is why there are two formats.
func TestNodeExporterReadsNoOpenMetrics(t *testing.T) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if _, err := parser.TextToMetricFamilies(bytes.NewReader(text(t, "openmetrics.txt"))); err == nil {
		t.Error("it is read: then the other format is not needed any more")
	}
}

func TestPrometheusReadsEveryTypeOfBoth(t *testing.T) {
	for name, kind := range map[string]string{
		"openmetrics.txt":    "application/openmetrics-text; version=1.0.0",
		"node_exporter.prom": "text/plain; version=0.0.4",
	} {
		parser, err := textparse.New(text(t, name), kind, labels.NewSymbolTable(), textparse.ParserOptions{})
		if err != nil {
			t.Fatal(err)
		}
		types, series := map[model.MetricType]int{}, 0
		for {
			entry, err := parser.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch entry {
			case textparse.EntryType:
				_, kind := parser.Type()
				types[kind]++
			case textparse.EntrySeries:
				series++
			}
		}
		if types[model.MetricTypeCounter] == 0 || types[model.MetricTypeGauge] == 0 || types[model.MetricTypeHistogram] != 1 || types[model.MetricTypeUnknown] != 0 || series < 20 {
			t.Errorf("%s: %v, %d series", name, types, series)
		}
	}
}
