package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Limits of a line, so that one event cannot fill the log or a reader's memory.
const (
	maxString = 1 << 10  // bytes of one string; longer ones are cut and end in "…"
	maxLine   = 16 << 10 // bytes of a line with its line end
	maxKey    = 64       // bytes of a data key
)

const ellipsis = "…"

// normalize turns a data value into what the log gives back for it: a string,
// a float64 or a bool. Named types with a text form are written in it, so that
// a secret.String that strays in becomes "[redacted]" and nothing else.
func normalize(v any) (any, error) {
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.String || r.Kind() == reflect.Bool || r.CanInt() || r.CanUint() || r.CanFloat():
	default:
		return nil, fmt.Errorf("a %T is no string, number or boolean", v)
	}
	switch v := v.(type) { // no conversion for the usual ones
	case string:
		return cut(valid(v)), nil
	case bool:
		return v, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any
	err = json.Unmarshal(text, &plain)
	if s, ok := plain.(string); ok {
		plain = cut(s)
	}
	return plain, err
}

// valid replaces what is not UTF-8, so that the event returned by Append is
// the one that a reader gets.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// cut shortens s to maxString bytes, on a character's boundary.
func cut(s string) string {
	if len(s) <= maxString {
		return s
	}
	end := maxString - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

// appendString appends s as a JSON string. Beyond what JSON demands it escapes
// DEL, the C1 controls and the Unicode line ends, so that showing a raw line in
// a terminal cannot do anything but show it. Invalid UTF-8 becomes U+FFFD.
// encoding/json escapes other characters, and a line has one spelling.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20 || (r >= 0x7f && r < 0xa0) || r == 0x2028 || r == 0x2029:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// appendValue appends a normalized value.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case float64:
		if math.Abs(v) < 1e21 && v == math.Trunc(v) {
			return strconv.AppendFloat(b, v, 'f', -1, 64)
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	panic(fmt.Sprintf("audit: value of type %T was not normalized", v))
}

// appendData appends normalized data as it stands in a line.
func appendData(b []byte, data map[string]any) []byte {
	sep := byte('{')
	for _, k := range slices.Sorted(maps.Keys(data)) {
		b = append(b, sep)
		b = append(appendString(b, k), ':')
		b = appendValue(b, data[k])
		sep = ','
	}
	return append(b, '}')
}
