// Package engine is the durable transport under every route: NATS JetStream behind Watermill's Publisher and
// Subscriber.
//
// # The idea
//
// A middleware promises two things: what it accepted is never lost, and what belongs together stays in order.
// Both promises are kept here, so that the packages above can think in messages and handlers only.
//
// Never lost: Publish returns after the message is on disk, not when it is in memory. One disk sync costs
// about as much as a thousand messages, so every publisher that is waiting at the same moment shares one sync
// (group commit). If that sync fails, all of them get an error and none of the messages counts as accepted.
//
// In order: each message carries an ordering key in its metadata ([MetaKey]): an order number, a SKU. A
// subscription hands out at most one message per key at a time and many keys at once. A handler that answers
// with Nack parks that key alone; the others do not notice. A message leaves the stream's pending list only
// after the server confirmed its acknowledgement, so a process that dies at any line sees it again, in the same
// place of its key's order.
//
// # Streams and subjects
//
// There are two streams. RECEIVED holds what sources handed over (received.>), CANONICAL what routes made of it
// (canonical.>). A message published to the topic "canonical.order.placed" with key "4711" has the subject
// "canonical.order.placed.4711"; keys are escaped and bounded by [SubjectToken]. Subscribing to a topic
// consumes everything below it; NATS wildcards are allowed ("canonical.order.*.*.>").
//
// Both streams keep history for replay. When space runs out, history that every subscription has finished with
// is given up first; only when unfinished messages fill the stream do publishers get [ErrFull], so that intake
// stops reading instead of losing anything.
//
// # One process or a cluster
//
// With no URLs the server runs inside this process, without a network port, on a directory that belongs to this
// process alone. With URLs the same code talks to a NATS cluster and Replicas takes the place of the disk sync.
//
// Several projects may share a cluster: with a Namespace every stream and subject begins with it on the server, and
// nothing of one project is visible to another. Names in this package's interface are always those without it.
//
// Watermill's Router calls Close on the publisher and subscriber it was given. Closing a publisher here does
// nothing, and closing a subscriber ends only its own subscriptions: the connection belongs to the [Engine].
package engine
