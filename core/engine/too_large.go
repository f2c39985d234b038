package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TooLargeError reports a message that the store refuses whenever it comes, as long as nobody changes a limit. It is
// the opposite of [ErrFull]: waiting does not help, so the caller keeps the message elsewhere and goes on with the
// others of the call.
type TooLargeError struct {
	// Index is the message's place in the publish call, MessageID its id.
	Index     int
	MessageID string
	// What is too large: "message" or, of its headers alone, "metadata".
	What string
	// Size and Limit are in bytes; a message's size is that of its payload and metadata. Limit is 0 when the server
	// refused the message without telling its limit.
	Size, Limit int64
	// Remedy says what to do.
	Remedy string
}

func (e *TooLargeError) Error() string {
	limit := "the message server takes less"
	if e.Limit > 0 {
		limit = fmt.Sprintf("the limit is %d", e.Limit)
	}
	what := "it"
	if e.What == "metadata" {
		what = "its metadata"
	}
	return fmt.Sprintf("engine: message %s is too large: %s takes %d bytes, %s: %s", e.MessageID, what, e.Size, limit, e.Remedy)
}

const (
	remedyMetadata = "move large values into the payload"
	remedySplit    = "split it at the source"
	remedyStream   = "raise engine.maxBytes, or " + remedySplit
	remedyServer   = "raise max_payload of the NATS servers, or have the source take less at once (maxBody, maxRecord)"
)

const (
	// maxRecord is the largest record of a stream's file: a larger one could not be told from a damaged one, and NATS
	// refuses it (rlBadThresh in its file store).
	maxRecord = 32 << 20
	// recordBytes is what such a record holds besides subject, headers and payload.
	recordBytes = 34
)

// fits returns a TooLargeError if no stream of limit bytes takes the encoded message over a connection whose server
// takes payload bytes.
func fits(m *nats.Msg, id string, payload, limit int64) error {
	header := headerSize(m.Header)
	size := header + int64(len(m.Data))
	refuse := func(what string, size, limit int64, remedy string) error {
		return &TooLargeError{MessageID: id, What: what, Size: size, Limit: limit, Remedy: remedy}
	}
	record := int64(maxRecord - recordBytes - len(m.Subject))
	switch {
	case header > maxHeaderBytes:
		return refuse("metadata", header, maxHeaderBytes, remedyMetadata)
	case size > record:
		return refuse("message", size, record, remedySplit)
	case size > payload:
		return refuse("message", size, payload, remedyServer)
	case storedSize(m) > limit:
		return refuse("message", storedSize(m), limit, remedyStream)
	}
	return nil
}

// at adds the message's place in the call to a TooLargeError.
func at(i int, err error) error {
	var large *TooLargeError
	if errors.As(err, &large) {
		large.Index = i
	}
	return err
}

// headerSize is what headers take on the wire: a version line, a line for each, an empty line.
func headerSize(h nats.Header) int64 {
	size := len("NATS/1.0\r\n\r\n")
	for name, values := range h {
		size += len(name) + len(values[0]) + len(": \r\n")
	}
	return int64(size)
}

// refusedSize turns the refusal of a message that passed fits into a TooLargeError: the server's limit was lowered a
// moment ago, or another one of the cluster takes less. Other errors are returned as they are.
func refusedSize(m *nats.Msg, err error) error {
	const storeFailed, exceedsMaximum = 10077, 10054
	var api *jetstream.APIError
	refused := errors.Is(err, nats.ErrMaxPayload)
	if errors.As(err, &api) {
		refused = api.ErrorCode == exceedsMaximum || api.ErrorCode == storeFailed && strings.Contains(api.Description, "too large")
	}
	if !refused {
		return err
	}
	return &TooLargeError{
		MessageID: percentDecode(m.Header.Get(nats.MsgIdHdr)), What: "message",
		Size: headerSize(m.Header) + int64(len(m.Data)), Remedy: remedyServer,
	}
}
