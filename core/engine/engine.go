package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The two streams every engine has.
const (
	StreamReceived  = "RECEIVED"  // subjects received.>
	StreamCanonical = "CANONICAL" // subjects canonical.>
)

const (
	connectTimeout = 20 * time.Second
	apiTimeout     = 30 * time.Second // a request to the JetStream API, including a leader election
	attemptTimeout = 3 * time.Second  // one attempt of such a request on a cluster
)

// Engine is an open connection to the durable transport, with the embedded server when there is one. All methods
// may be called from several goroutines.
type Engine struct {
	opts     Options
	log      *slog.Logger
	embedded *embedded // nil on a cluster
	commit   *committer
	pub      *publisher
	pubConn  *nats.Conn
	subConn  *nats.Conn // apart from pubConn, so that a flood of deliveries does not delay publish acknowledgements
	js       jetstream.JetStream
	used     bool // when it was opened, a stream held a message or had held one

	mu          sync.Mutex
	closed      bool
	dispatchers map[dispatcherID]*dispatcher
	topics      map[string]bool // streams made by CreateTopic
}

// Open starts the embedded server or connects to the cluster and makes sure that the streams exist with the
// configured limits. ctx bounds the start; it does not end the engine.
func Open(ctx context.Context, opts Options) (*Engine, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	e := &Engine{opts: opts, log: opts.Log, dispatchers: map[dispatcherID]*dispatcher{}, topics: map[string]bool{}}
	if err := e.open(ctx); err != nil {
		return nil, errors.Join(err, e.release())
	}
	return e, nil
}

func (e *Engine) open(ctx context.Context) (err error) {
	if len(e.opts.URLs) == 0 {
		if e.embedded, err = startEmbedded(e.opts); err != nil {
			return err
		}
	}
	if e.pubConn, err = e.connect("publish"); err != nil {
		return err
	}
	if e.subConn, err = e.connect("consume"); err != nil {
		return err
	}
	if e.js, err = jetstream.New(e.subConn, jetstream.WithDefaultTimeout(apiTimeout)); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	if e.opts.Durability == Fsync {
		s, err := newSyncer(e.opts.Dir)
		if err != nil {
			return err
		}
		e.commit = newCommitter(s, e.opts.ObserveSync)
	}
	if e.pub, err = newPublisher(e.pubConn, e.commit, e.opts); err != nil {
		return err
	}
	for name, subjects := range map[string]string{StreamReceived: "received.>", StreamCanonical: "canonical.>"} {
		used, err := e.createStream(ctx, name, subjects)
		if err != nil {
			return err
		}
		e.used = e.used || used
	}
	return e.syncNow(ctx)
}

func (e *Engine) connect(purpose string) (*nats.Conn, error) {
	opts := []nats.Option{
		nats.Name("crossdock " + purpose),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.Timeout(connectTimeout),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			subject := ""
			if s != nil {
				subject = s.Subject
			}
			e.log.Warn("message server reported a problem", "connection", purpose, "subject", subject, "error", err)
		}),
	}
	url := strings.Join(e.opts.URLs, ",")
	if e.embedded != nil {
		opts = append(opts, nats.InProcessServer(e.embedded.server))
	}
	conn, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("engine: connect to %s: %w (is the NATS server running there with JetStream enabled?)", e.where(), err)
	}
	return conn, nil
}

func (e *Engine) where() string {
	if e.embedded != nil {
		return "the embedded message server in " + e.opts.Dir
	}
	return strings.Join(e.opts.URLs, ", ")
}

// createStream makes a stream or sets the limits of the one there is; used is true when a message was ever in it.
func (e *Engine) createStream(ctx context.Context, name, subjects string) (used bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	cfg := jetstream.StreamConfig{
		Name:       e.opts.stored(name),
		Subjects:   []string{e.opts.subject(subjects)},
		Storage:    jetstream.FileStorage,
		Retention:  jetstream.LimitsPolicy,
		Discard:    jetstream.DiscardNew,
		MaxBytes:   e.opts.MaxBytes,
		MaxAge:     e.opts.MaxAge,
		Duplicates: e.opts.DuplicateWindow,
		Replicas:   e.opts.Replicas,
	}
	err = e.untilLed(ctx, func(ctx context.Context) error {
		s, err := e.js.CreateOrUpdateStream(ctx, cfg)
		if err == nil {
			used = s.CachedInfo().State.LastSeq > 0
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("engine: create stream %s on %s: %w", name, e.where(), e.withoutRoom(ctx, name, err))
	}
	return used, nil
}

// untilLed repeats an idempotent request while a cluster elects a leader: until then it refuses requests or leaves
// them unanswered. The embedded server is its own leader.
func (e *Engine) untilLed(ctx context.Context, request func(context.Context) error) error {
	if e.embedded != nil {
		return request(ctx)
	}
	for {
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		err := request(attempt)
		cancel()
		unanswered := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout)
		if err == nil || ctx.Err() != nil || !unanswered && !isStarting(err) {
			return err
		}
		if sleep(ctx, 200*time.Millisecond) != nil {
			return err
		}
	}
}

func isStarting(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code == 503 || api.ErrorCode == 10005 || api.ErrorCode == 10008
	}
	return errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}

// CreateTopic makes a stream for topics outside received and canonical, named after the topic's first token.
// It does nothing when the stream exists. Crossdock itself needs the two standard streams only.
func (e *Engine) CreateTopic(ctx context.Context, topic string) error {
	root, _, _ := strings.Cut(topic, ".")
	if err := checkTopic(root, false); err != nil {
		return err
	}
	name := streamOf(topic)
	if name == StreamReceived || name == StreamCanonical {
		return nil
	}
	if _, err := e.createStream(ctx, name, root+".>"); err != nil {
		return err
	}
	e.mu.Lock()
	e.topics[name] = true
	e.mu.Unlock()
	return e.syncNow(ctx)
}

// Unused reports whether the streams held no message, now or in the past, when the engine was opened.
func (e *Engine) Unused() bool { return !e.used }

// syncNow makes files and directories that the server has just created survive a power failure.
func (e *Engine) syncNow(ctx context.Context) error {
	if e.commit == nil {
		return nil
	}
	return e.commit.wait(ctx)
}

// streamOf returns the stream a topic or filter belongs to; its first token decides.
func streamOf(topic string) string {
	root, _, _ := strings.Cut(topic, ".")
	switch root {
	case "received":
		return StreamReceived
	case "canonical":
		return StreamCanonical
	}
	return "TOPIC-" + SubjectToken(root)
}

// checkTopic says why a topic cannot be a NATS subject. Wildcards are for subscribers only.
func checkTopic(topic string, wildcards bool) error {
	tokens := strings.Split(topic, ".")
	for i, token := range tokens {
		switch {
		case token == "":
			return fmt.Errorf("engine: topic %q has an empty part: write names separated by single dots", topic)
		case token == ">" && (!wildcards || i != len(tokens)-1), token == "*" && !wildcards:
			return fmt.Errorf("engine: topic %q: the wildcard %q is not allowed here", topic, token)
		case token == ">" || token == "*":
		case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r == '*' || r == '>' || r == 0x7f }):
			return fmt.Errorf("engine: topic %q: part %q contains a character NATS forbids: pass names through SubjectToken", topic, token)
		}
	}
	if wildcards && (tokens[0] == "*" || tokens[0] == ">") {
		return fmt.Errorf("engine: topic %q: the first part decides the stream and cannot be a wildcard", topic)
	}
	return nil
}

// Lag returns how many messages of a subscription are not finished: those it has not seen and those that are
// queued, in work or resting after a Nack.
func (e *Engine) Lag(ctx context.Context, durable string) (uint64, error) {
	info, err := e.consumerInfo(ctx, durable)
	if err != nil {
		return 0, err
	}
	return info.NumPending + uint64(max(info.NumAckPending, 0)), nil
}

func (e *Engine) consumerInfo(ctx context.Context, durable string) (*jetstream.ConsumerInfo, error) {
	for _, stream := range e.streams() {
		c, err := e.js.Consumer(ctx, e.opts.stored(stream), SubjectToken(durable))
		switch {
		case err == nil:
			return c.CachedInfo(), nil
		case !errors.Is(err, jetstream.ErrConsumerNotFound):
			return nil, fmt.Errorf("engine: look up subscription %q in stream %s: %w", durable, stream, err)
		}
	}
	return nil, fmt.Errorf("engine: no subscription is called %q", durable)
}

func (e *Engine) streams() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := []string{StreamCanonical, StreamReceived}
	for name := range e.topics {
		names = append(names, name)
	}
	return names
}

// RemoveSubscription forgets a durable subscription and its position, for a route or target that is gone for
// good: as long as it exists, messages it has not finished cannot make room for new ones. It is not an error if
// there is none.
func (e *Engine) RemoveSubscription(ctx context.Context, durable string) error {
	for _, stream := range e.streams() {
		err := e.js.DeleteConsumer(ctx, e.opts.stored(stream), SubjectToken(durable))
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("engine: remove subscription %q from stream %s: %w", durable, stream, err)
		}
	}
	return nil
}

// Subscriptions returns the durable names the server knows in RECEIVED and CANONICAL, as given to
// SubscriberOptions.Durable (names over 96 bytes in their shortened form).
func (e *Engine) Subscriptions(ctx context.Context) ([]string, error) {
	var names []string
	for _, stream := range []string{StreamReceived, StreamCanonical} {
		s, err := e.js.Stream(ctx, e.opts.stored(stream))
		if err != nil {
			return nil, fmt.Errorf("engine: look up stream %s: %w", stream, err)
		}
		lister := s.ConsumerNames(ctx)
		for name := range lister.Name() {
			names = append(names, percentDecode(name))
		}
		if err := lister.Err(); err != nil {
			return nil, fmt.Errorf("engine: list subscriptions of stream %s: %w", stream, err)
		}
	}
	return names, nil
}

// Close ends all subscriptions (waiting for running handlers, see SubscriberOptions.CloseTimeout), lets running
// publish calls finish and stops the embedded server. When ctx ends first, handlers are cancelled at once;
// whatever they had not acknowledged is handed out again after the next start.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	var all []*dispatcher
	for _, d := range e.dispatchers {
		all = append(all, d)
	}
	e.mu.Unlock()

	var wg sync.WaitGroup
	for _, d := range all {
		wg.Go(func() { d.closeAll(ctx) })
	}
	wg.Wait()
	return e.release()
}

// release gives back what open acquired, in reverse order; parts that were never acquired are nil.
func (e *Engine) release() error {
	var errs []error
	if e.pub != nil {
		e.pub.stop()
	}
	if e.commit != nil {
		errs = append(errs, e.commit.close())
	}
	for _, conn := range []*nats.Conn{e.pubConn, e.subConn} {
		if conn != nil {
			conn.Close()
		}
	}
	if e.embedded != nil {
		errs = append(errs, e.embedded.stop())
	}
	return errors.Join(errs...)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
