package delivery

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// Failure is an error with what a lane needs to act on it.
type Failure struct {
	Class protocol.Problem_Class
	// Code is stable and machine readable: "http.422", "mapping".
	Code string
	// Message says what happened; empty means Err says it.
	Message string
	// RetryAfter is how long the target asked to wait.
	RetryAfter time.Duration
	// Crash says that the connector's process ended while it had the message.
	Crash bool
	// Stack is there for a bug.
	Stack string
	Err   error
}

func (f *Failure) Error() string {
	s := f.Message
	if f.Err != nil {
		if s != "" {
			s += ": "
		}
		s += f.Err.Error()
	}
	if f.Code != "" && !strings.HasPrefix(s, f.Code+": ") {
		s = f.Code + ": " + s
	}
	return s
}

func (f *Failure) Unwrap() error { return f.Err }

// Permanent is a failure that no retry mends: the message becomes a dead letter.
func Permanent(code string, err error) *Failure {
	return &Failure{Class: protocol.Problem_PERMANENT, Code: code, Err: err}
}

// FromProblem turns a connector's problem into a Failure, nil into nil.
func FromProblem(p *protocol.Problem) *Failure {
	if p == nil {
		return nil
	}
	return &Failure{
		Class: p.GetClass(), Code: p.GetCode(), Message: p.GetMessage(), RetryAfter: p.GetRetryAfter().AsDuration(), Stack: p.GetDetail()["stack"],
	}
}

// classify finds the Failure in an error. Errors that carry none have the class
// unknown: a mapping that fails will fail again, a transport may not.
func classify(err error, custom func(error) *Failure, unknown protocol.Problem_Class) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		if f.Err == nil || error(f) == err {
			return f
		}
		return &Failure{Class: f.Class, Code: f.Code, RetryAfter: f.RetryAfter, Crash: f.Crash, Stack: f.Stack, Message: err.Error()}
	}
	if custom != nil {
		if f := custom(err); f != nil {
			return f
		}
	}
	if _, ok := status.FromError(err); ok {
		return FromProblem(protocol.ProblemOf(err))
	}
	return &Failure{Class: unknown, Err: err}
}

// guard turns a panic into a failure of class BUG.
func guard(run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Failure{Class: protocol.Problem_BUG, Code: "panic", Message: fmt.Sprint(r), Stack: string(debug.Stack())}
		}
	}()
	return run()
}

// final reports a verdict on the message, which stands whatever ends meanwhile.
func (f *Failure) final() bool {
	return f.Class == protocol.Problem_PERMANENT || f.Class == protocol.Problem_BUG
}

// interrupted reports that the work was ended from outside and says nothing
// about the message.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}
