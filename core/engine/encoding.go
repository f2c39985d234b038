package engine

import (
	"fmt"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

// maxHeaderBytes is what the server accepts for all headers of one message (64 KiB minus one).
const maxHeaderBytes = 1<<16 - 1

// encode makes the NATS message of a Watermill message. Metadata becomes headers. NATS headers are lines of
// "name: value": names and values that would not survive as such (line breaks, spaces at the ends, anything but
// letters, digits, '-', '_' and '.' in a name) are percent-encoded, and so is a name that begins with "Nats-", because the server
// would take it as a command.
func encode(topic string, m *message.Message) (*nats.Msg, error) {
	if m.UUID == "" {
		return nil, fmt.Errorf("engine: a message for topic %q has no id: without one a repeated publish cannot be recognised", topic)
	}
	header := make(nats.Header, len(m.Metadata)+1)
	header[nats.MsgIdHdr] = []string{encodeValue(m.UUID)}
	for name, value := range m.Metadata {
		name, value = encodeName(name), encodeValue(value)
		header[name] = []string{value}
	}
	return &nats.Msg{Subject: topic + "." + SubjectToken(m.Metadata[MetaKey]), Header: header, Data: m.Payload}, nil
}

// decode is the inverse of encode. It shares the payload with msg.
func decode(header nats.Header, data []byte) *message.Message {
	m := message.NewMessage("", data)
	for name, values := range header {
		switch {
		case name == nats.MsgIdHdr:
			m.UUID = percentDecode(values[0])
		case strings.HasPrefix(name, serverHeaderPrefix):
		default:
			m.Metadata[decodeName(name)] = percentDecode(values[0])
		}
	}
	return m
}

const (
	serverHeaderPrefix = "Nats-"
	emptyName          = "%"
)

func encodeName(name string) string {
	if name == "" {
		return emptyName
	}
	encoded := percentEncode(name, isNameByte)
	if len(encoded) >= len(serverHeaderPrefix) && strings.EqualFold(encoded[:len(serverHeaderPrefix)], serverHeaderPrefix) {
		return "%" + string(upperHex[encoded[0]>>4]) + string(upperHex[encoded[0]&15]) + encoded[1:]
	}
	return encoded
}

func decodeName(name string) string {
	if name == emptyName {
		return ""
	}
	return percentDecode(name)
}

func isNameByte(c byte) bool { return isTokenByte(c) || c == '.' }

// encodeValue keeps readable text readable: UTF-8 and inner spaces stay.
func encodeValue(value string) string {
	encoded := percentEncode(value, isValueByte)
	if trimmed := strings.Trim(encoded, " "); len(trimmed) != len(encoded) {
		left := len(encoded) - len(strings.TrimLeft(encoded, " "))
		right := len(encoded) - left - len(trimmed)
		return strings.Repeat("%20", left) + trimmed + strings.Repeat("%20", right)
	}
	return encoded
}

func isValueByte(c byte) bool { return c >= ' ' && c != 0x7f && c != '%' }

// storedSize is an upper bound of the bytes the message takes in the stream.
func storedSize(m *nats.Msg) int64 {
	const perMessage, perHeader = 64, 4
	size := perMessage + len(m.Subject) + len(m.Data)
	for name, values := range m.Header {
		size += len(name) + len(values[0]) + perHeader
	}
	return int64(size)
}
