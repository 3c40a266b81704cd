// Package hint carries the second half of a good error: what the user can do
// about it. An error says what failed in its message and offers the next step
// through a Hint method; the command line prints it on a line of its own.
package hint

import "errors"

// hinted is an error with advice attached. The advice is kept apart from the
// message so that it is printed once, at the edge, however deep it was wrapped.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }
func (h *hinted) Hint() string  { return h.hint }

// Wrap returns err with advice for the user. A nil err stays nil.
func Wrap(err error, advice string) error {
	if err == nil {
		return nil
	}
	return &hinted{err: err, hint: advice}
}

// New returns an error with a message and advice for the user.
func New(message, advice string) error {
	return &hinted{err: errors.New(message), hint: advice}
}

// Of returns the outermost advice in err's tree, or "" if there is none.
func Of(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
