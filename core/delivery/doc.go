// Package delivery brings messages to their targets: in order per key, once,
// and without one failing message holding up the others.
//
// # The idea
//
// A [Lane] is one target of one route. Its Handle is given messages by the
// engine, one per key at a time and many keys at once, and returns nil only when
// the outcome is durable in the ledger; only then does the engine acknowledge.
// So a crash repeats at most the message it interrupted, under the same delivery
// id, and the sink makes the repetition harmless.
//
// # What happens to a failure depends on its class
//
//	RETRYABLE      parked with a random, growing wait; its key queues behind it,
//	               no other key notices. After the last attempt: dead, or held.
//	THROTTLED      stays in flight; the whole connection waits what the target
//	               asked for and goes on more slowly.
//	NOT_CONNECTED  stays in flight; the connection's circuit opens and one message
//	               at a time tries whether the target is back. Nothing is counted
//	               as an attempt, and because nothing is acknowledged the wait
//	               reaches the source instead of flooding the dead letters. Only a
//	               message that the connector does not survive, given alone and as
//	               often as a message is tried, is a bug.
//	AUTH, CONFIG   stays in flight; the lane stops until a person resumes it.
//	PERMANENT      dead letter at once; the followers of the key go on, unless
//	               the route says hold.
//	DUPLICATE      the effect is there already: a success.
//	BUG            dead letter with the stack.
//
// # Parked messages
//
// A parked message and its followers live in the ledger, not in memory, and are
// acknowledged to the stream: a key that waits for a week costs rows. Run watches
// for those that are due, including what another process (the command line's
// replay) puts there.
//
// # What lanes share
//
// A [Circuit] and a [Budget] belong to a connection and are shared by all its
// lanes. The budget hands out turns by priority: a critical message goes before
// normal and low ones, unless those have waited long enough to be its equals.
package delivery
