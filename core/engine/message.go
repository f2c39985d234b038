package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Metadata keys that Crossdock itself reads. Everything else a connector put into a record's metadata travels
// under its own name.
const (
	MetaKey            = "key"          // ordering key: one message in flight per key; empty means "with all other keyless messages"
	MetaCorrelation    = "correlation"  // id shared by every message that came from the same received message
	MetaCausation      = "causation"    // id of the message this one was made from
	MetaRoute          = "route"        // route that published the message
	MetaConnection     = "connection"   // connection the message was received on
	MetaSource         = "source"       // source endpoint within the connection
	MetaEntity         = "entity"       // canonical entity in lower case: "order"
	MetaEvent          = "event"        // what happened to the entity: "placed", "changed"
	MetaOperation      = "operation"    // what the target should do: "upsert", "delete"
	MetaSchema         = "schema"       // id of the schema the payload was checked against
	MetaClass          = "class"        // priority: "critical", "normal" or "low"
	MetaPartition      = "partition"    // "0".."15", see PartitionOf
	MetaReceived       = "received"     // when intake made it durable, RFC 3339 with nanoseconds
	MetaEventTime      = "event_time"   // when it happened in the source system, RFC 3339
	MetaContentType    = "content_type" // media type of the payload
	MetaTenant         = "tenant"       // tenant or trading partner
	MetaTrace          = "traceparent"  // W3C trace context
	MetaBusinessPrefix = "key."         // business keys: "key.order" = "4711"
)

// BusinessKeys returns the business keys in a message's metadata by name, without their prefix; nil when it has
// none. The map is the caller's own.
func BusinessKeys(md message.Metadata) map[string]string {
	var keys map[string]string
	for k, v := range md {
		name, ok := strings.CutPrefix(k, MetaBusinessPrefix)
		if !ok || name == "" {
			continue
		}
		if keys == nil {
			keys = map[string]string{}
		}
		keys[name] = v
	}
	return keys
}

// Partitions is the number of partitions the canonical stream is divided into. It is part of the subjects of
// stored messages and therefore fixed.
const Partitions = 16

// PartitionOf returns the partition (0 to Partitions-1) of an ordering key. The same key has the same partition
// on every node and in every release (FNV-1a, 32 bit).
func PartitionOf(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash never fails to write
	return int(h.Sum32() % Partitions)
}

const (
	emptyToken    = "_" // subject token of an empty key
	maxTokenBytes = 96  // longer tokens are cut and hashed: a NATS subject has to stay far below 4 KiB
	tokenPrefix   = 40  // readable part that a hashed token keeps
)

// SubjectToken returns s as a single token of a NATS subject: ASCII letters, digits, '-' and '_' stay as they
// are, every other byte becomes %XX. Tokens over 96 bytes keep a readable prefix and end in "~" and a hash.
// An empty string becomes "_". Different strings have different tokens (up to a 128-bit hash).
func SubjectToken(s string) string {
	switch s {
	case "":
		return emptyToken
	case emptyToken:
		return "%5F"
	}
	token := percentEncode(s, isTokenByte)
	if len(token) <= maxTokenBytes {
		return token
	}
	sum := sha256.Sum256([]byte(s))
	return token[:tokenPrefix] + "~" + hex.EncodeToString(sum[:16])
}

func isTokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

const upperHex = "0123456789ABCDEF"

// percentEncode replaces every byte for which keep is false by %XX. It returns s itself when nothing changes,
// which is the usual case on the hot path.
func percentEncode(s string, keep func(byte) bool) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if !keep(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*n)
	for i := 0; i < len(s); i++ {
		if c := s[i]; keep(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// percentDecode is the inverse of percentEncode. A '%' that is not followed by two hexadecimal digits stays.
func percentDecode(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b = append(b, v[0])
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

type deliveryKey struct{}

// Delivery says where a message handed out by a subscription comes from.
type Delivery struct {
	Stream   string // "RECEIVED" or "CANONICAL"
	Sequence uint64 // position in the stream; grows in publishing order
	Attempt  int    // how many times this message has been handed out, 1 for the first time
}

// DeliveryOf returns the delivery of a message handed out by a subscription of this package, and false for any
// other message.
func DeliveryOf(m *message.Message) (Delivery, bool) {
	d, ok := m.Context().Value(deliveryKey{}).(Delivery)
	return d, ok
}

func withDelivery(ctx context.Context, d Delivery) context.Context {
	return context.WithValue(ctx, deliveryKey{}, d)
}
