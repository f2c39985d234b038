package host

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// ProblemError is a failure that a connector reported, or that the host
// reports about it.
type ProblemError struct {
	// Connector and Instance say who; Instance may be empty.
	Connector, Instance string
	Problem             *protocol.Problem
}

func (e *ProblemError) Error() string {
	who := e.Instance
	if who == "" {
		who = "connector " + e.Connector
	}
	if c := e.Problem.GetCode(); c != "" {
		who += ": " + c
	}
	return who + ": " + e.Problem.GetMessage()
}

// ClassOf returns the class of a connector's failure, CLASS_UNSPECIFIED for an
// error that is none.
func ClassOf(err error) protocol.Problem_Class {
	var pe *ProblemError
	if errors.As(err, &pe) {
		return pe.Problem.GetClass()
	}
	return protocol.Problem_CLASS_UNSPECIFIED
}

// Codes of failures that the host itself reports.
const (
	CodeGone     = "plugin.gone"     // the process ended; it is being started again
	CodeCrashed  = "plugin.crashed"  // as gone, and it ended while it had the records
	CodeEnded    = "plugin.ended"    // a stream ended although nothing said so; it is opened again
	CodeStart    = "plugin.start"    // the process cannot be started
	CodeDeadline = "plugin.deadline" // no answer in time
	CodeLock     = "plugin.lock"     // the binary is not the one that was locked
	CodeUnknown  = "plugin.unknown"  // there is no such connector
)

func (c *connector) problem(class protocol.Problem_Class, code, instance, format string, args ...any) error {
	return &ProblemError{Connector: c.name, Instance: instance, Problem: &protocol.Problem{Class: class, Code: code, Message: fmt.Sprintf(format, args...)}}
}

func (c *connector) gone(instance string, cause error) error {
	return c.problem(protocol.Problem_NOT_CONNECTED, CodeGone, instance, "the connector process %s ended (%v); it is started again", c.name, cause)
}

// crashed is what the callers learn whose records a process had when it ended.
func (c *connector) crashed(instance string, cause error) error {
	return c.problem(protocol.Problem_NOT_CONNECTED, CodeCrashed, instance, "the connector process %s ended (%v) while it had the records; it is started again", c.name, cause)
}

// failed turns the error of a protocol call into a ProblemError.
func (c *connector) failed(instance string, p *process, err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-p.dead:
		return c.gone(instance, p.cause())
	default:
	}
	problem := protocol.ProblemOf(err)
	if problem.GetCode() == "grpc."+codes.Unavailable.String() {
		// No connector said so: the connection broke, which a stream may see
		// before the session does, and before the end of the process is known.
		select {
		case <-p.dead:
			err = p.cause()
		case <-time.After(2 * obituary):
		}
		return c.gone(instance, err)
	}
	return &ProblemError{Connector: c.name, Instance: instance, Problem: problem}
}
