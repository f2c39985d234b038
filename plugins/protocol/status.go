package protocol

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// StatusError carries a Problem as the gRPC status that ends a call or a
// stream, for failures that have no place in a response.
func StatusError(p *Problem) error {
	code := codes.Unknown
	switch p.GetClass() {
	case Problem_RETRYABLE, Problem_NOT_CONNECTED:
		code = codes.Unavailable
	case Problem_THROTTLED:
		code = codes.ResourceExhausted
	case Problem_AUTH:
		code = codes.PermissionDenied
	case Problem_CONFIG, Problem_PERMANENT:
		code = codes.FailedPrecondition
	case Problem_BUG:
		code = codes.Internal
	}
	message := strings.ToValidUTF8(p.GetMessage(), "�")
	if message != p.GetMessage() {
		p = proto.CloneOf(p)
		p.Message = message
	}
	s, err := status.New(code, message).WithDetails(p)
	if err != nil {
		return status.Error(code, message)
	}
	return s.Err()
}

// ProblemOf returns the Problem of an error that crossed the boundary: the one
// StatusError put there, or one made from the gRPC code alone. It returns nil
// for nil.
func ProblemOf(err error) *Problem {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		p := &Problem{Class: Problem_RETRYABLE, Code: "plugin.error", Message: err.Error()}
		if errors.Is(err, context.DeadlineExceeded) {
			p.Code = "plugin.deadline"
		}
		return p
	}
	for _, d := range s.Details() {
		if p, ok := d.(*Problem); ok {
			return p
		}
	}
	p := &Problem{Class: Problem_RETRYABLE, Code: "grpc." + s.Code().String(), Message: s.Message()}
	switch s.Code() {
	case codes.Unavailable:
		p.Class = Problem_NOT_CONNECTED
	case codes.ResourceExhausted:
		// Of all codes this is the one gRPC gives a message over the limit,
		// which no retry makes smaller.
		p.Class = Problem_PERMANENT
	case codes.Internal, codes.Unimplemented:
		p.Class = Problem_BUG
	}
	return p
}
