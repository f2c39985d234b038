package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Namespace makes an [Options.Namespace] of a project's name: its beginning, for people, and what tells it from every
// other name.
func Namespace(project string) string {
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(project))
	sum := sha256.Sum256([]byte(project))
	return readable[:min(len(readable), 20)] + "-" + hex.EncodeToString(sum[:4])
}

// stored is what a stream is called on the server. Inside this package, and to its callers, streams and topics go by
// their names without the namespace.
func (o Options) stored(stream string) string {
	if o.Namespace == "" {
		return stream
	}
	return o.Namespace + "__" + stream
}

// subject is where the server knows a topic or filter.
func (o Options) subject(topic string) string {
	if o.Namespace == "" {
		return topic
	}
	return o.Namespace + "." + topic
}
