package engine

import (
	"strconv"
	"strings"
)

// ReceivedTopic is where intake publishes the documents of a source endpoint,
// "<connection>.<source>".
func ReceivedTopic(endpoint string) string { return "received." + endpoint }

// CanonicalTopic is where a canonical event is published:
// canonical.<entity>.<event>.<origin route>.<partition>.<class>. The origin
// lets the broker hand a route's own targets only their own events.
func CanonicalTopic(entity, event, origin, key, class string) string {
	return strings.Join([]string{"canonical", SubjectToken(entity), SubjectToken(event), SubjectToken(origin), strconv.Itoa(PartitionOf(key)), class}, ".")
}

// CanonicalFilter selects canonical events of an entity; an empty event or
// origin selects all.
func CanonicalFilter(entity, event, origin string) string {
	any := func(s string) string {
		if s == "" {
			return "*"
		}
		return SubjectToken(s)
	}
	return strings.Join([]string{"canonical", SubjectToken(entity), any(event), any(origin), ">"}, ".")
}
