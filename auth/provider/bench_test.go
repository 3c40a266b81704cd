package provider

import "testing"

// BenchmarkRows reads all rows, as the first look at one does in each process.
func BenchmarkRows(b *testing.B) {
	for b.Loop() {
		if all, err := read(rows); err != nil || len(all) == 0 {
			b.Fatal(err)
		}
	}
}
