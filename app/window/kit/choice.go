//go:build !lean

package kit

import "fyne.io/fyne/v2/widget"

// Choice is a drop-down list whose words stand for values.
type Choice[T comparable] struct {
	widget.Select
	values  []T
	changed func()
}

// Option is one choice.
type Option[T comparable] struct {
	Words string
	Value T
}

// NewChoice returns a list with the first option chosen. Changed runs when the user
// chooses another.
func NewChoice[T comparable](changed func(), options ...Option[T]) *Choice[T] {
	c := &Choice[T]{changed: changed}
	c.ExtendBaseWidget(c)
	c.SetOptions(options)
	c.Choose(options[0].Value)
	return c
}

// Value returns what the chosen words stand for.
func (c *Choice[T]) Value() (v T) {
	if i := c.SelectedIndex(); i >= 0 {
		v = c.values[i]
	}
	return v
}

// Values returns what all the words stand for, in their order.
func (c *Choice[T]) Values() []T { return c.values }

// SetOptions replaces the list and keeps the chosen value where it is still in it.
// It does not count as a change.
func (c *Choice[T]) SetOptions(options []Option[T]) {
	before := c.Value()
	words := make([]string, len(options))
	c.values = make([]T, len(options))
	for i, o := range options {
		words[i], c.values[i] = o.Words, o.Value
	}
	c.OnChanged = nil
	c.Select.SetOptions(words)
	c.Choose(before)
}

// Choose chooses a value, or the first if it is not in the list. It does not count
// as a change.
func (c *Choice[T]) Choose(v T) {
	c.OnChanged = nil
	at := 0
	for i, value := range c.values {
		if value == v {
			at = i
		}
	}
	c.SetSelectedIndex(at)
	c.OnChanged = func(string) { c.changed() }
}
