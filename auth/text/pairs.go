package text

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Pairs returns the data of an event as "key=value key=value", by key, on one
// line. Each key and value has at most so many characters; a value in which one
// could not see where it ends is in quotes. Keys for which skip is true are left
// out.
func Pairs(data map[string]any, most int, skip func(key string) bool) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if skip(key) {
			continue
		}
		value := fmt.Sprint(data[key])
		if number, ok := data[key].(float64); ok {
			value = strconv.FormatFloat(number, 'f', -1, 64)
		}
		if value = Line(value, most); value == "" || strings.ContainsAny(value, " =\"") {
			value = strconv.Quote(value)
		}
		pairs = append(pairs, Line(key, most)+"="+value)
	}
	return strings.Join(pairs, " ")
}
