package engine

import (
	"errors"
	"log/slog"
	"time"
)

// ErrFull reports that a stream holds as many unfinished messages as it may ([Options.MaxBytes]). Nothing of the
// publish call was stored. The caller stops reading from its source and tries again later.
var ErrFull = errors.New("stream is full of unfinished messages: finish or discard some, or raise engine.maxBytes")

// ErrSync reports that the disk refused to make messages durable. The messages of the failed call may or may not
// survive; publishing them again with the same ids is safe.
var ErrSync = errors.New("stored messages could not be synced to disk")

// ErrClosed reports use of an engine or subscriber after Close.
var ErrClosed = errors.New("engine is closed")

// Durability says what has to be true of a message before Publish returns.
type Durability int

const (
	// DurabilityDefault is Fsync for the embedded server and Replicated for a cluster.
	DurabilityDefault Durability = iota
	// Fsync waits until the message is on this machine's disk. Only the embedded server offers it.
	Fsync
	// Replicated waits until a majority of the cluster's replicas stored the message. The servers should run
	// with sync_interval "always" if a power failure may hit all of them at once.
	Replicated
	// Relaxed waits until the server wrote the message to the operating system: safe when this process is
	// killed, not when the machine loses power within the next seconds.
	Relaxed
)

// String returns the name used in configuration.
func (d Durability) String() string {
	switch d {
	case Fsync:
		return "fsync"
	case Replicated:
		return "replicated"
	case Relaxed:
		return "relaxed"
	}
	return "default"
}

// ParseDurability reads the names String returns; the empty string is DurabilityDefault.
func ParseDurability(name string) (Durability, error) {
	switch name {
	case "", "default":
		return DurabilityDefault, nil
	case "fsync":
		return Fsync, nil
	case "replicated":
		return Replicated, nil
	case "relaxed":
		return Relaxed, nil
	}
	return 0, errors.New("durability " + name + " is unknown: use fsync, replicated or relaxed")
}

// Options configure an [Engine]. The zero value of every field but Dir is useful.
type Options struct {
	// Dir is the directory of the embedded store. It is created with mode 0700 and belongs to one process at a
	// time. Required unless URLs are given.
	Dir string
	// URLs of an external NATS cluster ("nats://host:4222"). Empty starts the embedded server.
	URLs []string
	// Namespace tells this project's streams and subjects from those of others on one cluster: one token of a subject,
	// see [Namespace]. Under another namespace the streams are others, and what is in the former ones stays there.
	// Empty where the store is the project's own.
	Namespace string
	// Listen is a "host:port" on which the embedded server also accepts NATS clients, without authentication:
	// use a loopback address. Empty opens no port.
	Listen string
	// Replicas of each stream; 0 means 1 embedded and 3 on a cluster.
	Replicas int
	// Durability of Publish.
	Durability Durability
	// MaxBytes bounds each stream on disk; 0 means 1 GiB. See [ErrFull].
	MaxBytes int64
	// MaxAge is how long finished messages stay for replay; 0 means 7 days.
	MaxAge time.Duration
	// DuplicateWindow is how long a message id is remembered by the stream so that publishing it again stores
	// nothing; 0 means 2 minutes. The ledger remembers longer.
	DuplicateWindow time.Duration
	// ObserveSync, if set, is called after every disk sync with its duration and the number of publish calls
	// that shared it. It must return quickly.
	ObserveSync func(took time.Duration, publishes int)
	// Log receives the server's warnings and errors; nil discards them.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	embedded := len(o.URLs) == 0
	if o.Replicas == 0 {
		o.Replicas = 3
		if embedded {
			o.Replicas = 1
		}
	}
	if o.Durability == DurabilityDefault {
		o.Durability = Replicated
		if embedded {
			o.Durability = Fsync
		}
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.MaxAge == 0 {
		o.MaxAge = 7 * 24 * time.Hour
	}
	if o.DuplicateWindow == 0 {
		o.DuplicateWindow = min(2*time.Minute, o.MaxAge)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) validate() error {
	embedded := len(o.URLs) == 0
	switch {
	case embedded && o.Dir == "":
		return errors.New("engine: a directory for the embedded store or the URLs of a NATS cluster is required")
	case o.Namespace != "" && SubjectToken(o.Namespace) != o.Namespace:
		return errors.New("engine: Namespace has to be one token of a subject, letters, digits, '-' and '_': make it with Namespace()")
	case embedded && o.Replicas > 1:
		return errors.New("engine: the embedded server keeps one replica: set replicas to 1 or give the URLs of a NATS cluster")
	case !embedded && o.Durability == Fsync:
		return errors.New("engine: durability fsync needs the embedded server: use replicated on a cluster and sync_interval \"always\" in its configuration")
	case !embedded && o.Listen != "":
		return errors.New("engine: listen belongs to the embedded server: remove it or the URLs")
	}
	return nil
}

// SubscriberOptions configure one durable subscription.
type SubscriberOptions struct {
	// Durable names the subscription's position in the stream. It survives restarts; two names read the same
	// messages independently. Required.
	Durable string
	// Concurrency is how many keys are worked on at once; 0 means 16.
	Concurrency int
	// MaxPending is how many messages may be handed out or queued behind their key without being
	// acknowledged; 0 means 1024.
	MaxPending int
	// AckWait is how long the server waits for a sign of life before it hands the message out again; 0 means
	// 30 s. A running handler is kept alive by heartbeats, so AckWait bounds only how long a dead process is
	// noticed late.
	AckWait time.Duration
	// Backoff is how long a key rests after its message was handed out the given number of times and nacked;
	// nil means 100 ms doubling up to 30 s.
	Backoff func(delivered int) time.Duration
	// CloseTimeout is how long Close waits for handlers to finish before it cancels their contexts; 0 means
	// 10 s.
	CloseTimeout time.Duration
}

func (o SubscriberOptions) withDefaults() SubscriberOptions {
	if o.Concurrency <= 0 {
		o.Concurrency = 16
	}
	if o.MaxPending <= 0 {
		o.MaxPending = 1024
	}
	if o.AckWait <= 0 {
		o.AckWait = 30 * time.Second
	}
	if o.Backoff == nil {
		o.Backoff = defaultBackoff
	}
	if o.CloseTimeout <= 0 {
		o.CloseTimeout = 10 * time.Second
	}
	return o
}

func defaultBackoff(delivered int) time.Duration {
	const initial, limit = 100 * time.Millisecond, 30 * time.Second
	return min(initial<<min(max(delivered-1, 0), 16), limit)
}
