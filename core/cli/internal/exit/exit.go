// Package exit carries exit statuses from commands to the end of the process.
package exit

import "fmt"

// Error ends the process with a status other than 2, which wrong use (an
// unknown command or flag) ends with.
type Error struct {
	Code int
	Err  error // nil: everything was said already
}

func (e *Error) Error() string { return fmt.Sprint(e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fail ends the process with status 1; nil stays nil.
func Fail(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: 1, Err: err}
}
