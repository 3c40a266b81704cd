package alert

import "fmt"

// String returns "P0" to "P3".
func (s Severity) String() string { return fmt.Sprintf("P%d", int(s)) }

// MarshalText writes "P0" to "P3".
func (s Severity) MarshalText() ([]byte, error) {
	if s < P0 || s > P3 {
		return nil, fmt.Errorf("severity %d: not one of P0 to P3", int(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads "P0" to "P3".
func (s *Severity) UnmarshalText(text []byte) error {
	for p := P0; p <= P3; p++ {
		if string(text) == p.String() {
			*s = p
			return nil
		}
	}
	return fmt.Errorf("severity %q: not one of P0 to P3", text)
}
