package audit

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
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
	switch v := v.(type) {
	case string:
		return cut(v), nil
	case bool:
		return v, nil
	case json.Number:
		f, err := v.Float64()
		return finite(f, err)
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	default:
		return nil, fmt.Errorf("a %T is no string, number or boolean", v)
	}
	if m, ok := v.(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return cut(string(text)), err
	}
	switch {
	case r.Kind() == reflect.String:
		return cut(r.String()), nil
	case r.Kind() == reflect.Bool:
		return r.Bool(), nil
	case r.CanInt():
		return float64(r.Int()), nil
	case r.CanUint():
		return float64(r.Uint()), nil
	default:
		return finite(r.Float(), nil)
	}
}

func finite(f float64, err error) (any, error) {
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		err = fmt.Errorf("%v is no number that JSON has", f)
	}
	return f, err
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
func appendString(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20 || (r >= 0x7f && r < 0xa0) || r == 0x2028 || r == 0x2029:
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		case r == utf8.RuneError && size == 1:
			b = append(b, "\ufffd"...)
		default:
			b = append(b, s[i:i+size]...)
		}
		i += size
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
