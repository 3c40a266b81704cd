package hint

import "errors"

// ErrUsage says that what was asked for makes no sense as it stands.
var ErrUsage = errors.New("invalid request")

// badRequest is an error that is ErrUsage without saying so.
type badRequest struct{ error }

func (b badRequest) Is(target error) bool { return target == ErrUsage }
func (b badRequest) Unwrap() error        { return b.error }

// BadRequest makes err an ErrUsage. Its words stay.
func BadRequest(err error) error { return badRequest{err} }

// Usage returns an ErrUsage with a hint.
func Usage(message, advice string) error { return Wrap(badRequest{errors.New(message)}, advice) }
