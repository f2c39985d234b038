// Package exit carries exit statuses from commands to the end of the process.
package exit

import (
	"errors"
	"fmt"
)

// Error ends the process with a status: 1 when what was asked for failed, 2 on wrong use,
// which an unknown command or flag ends with as well.
type Error struct {
	Code int
	Err  error // nil: everything was said already
}

func (e *Error) Error() string { return fmt.Sprint(e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Misuse ends the process with status 2, as an unknown flag does: what the command
// was given cannot be meant.
func Misuse(format string, args ...any) error {
	return &Error{Code: 2, Err: fmt.Errorf(format, args...)}
}

// Fail ends the process with status 1, unless err has one already; nil stays nil.
func Fail(err error) error {
	var has *Error
	if err == nil || errors.As(err, &has) {
		return err
	}
	return &Error{Code: 1, Err: err}
}
