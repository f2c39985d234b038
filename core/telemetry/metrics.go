package telemetry

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Event is something that happened to a message and is counted per route and target.
type Event int

// The events; every message that is received ends as delivered, filtered, duplicate or dead.
const (
	Received  Event = iota // made durable at intake; target is empty
	Delivered              // confirmed by the target
	Retried                // attempted again after a failure that may pass
	Duplicate              // recognised as seen before and not applied again
	Dead                   // moved to the dead letters
	Parked                 // set aside with its key until the next attempt
	Filtered               // left out by a route's condition
	events                 // number of events
)

var eventNames = [events]struct{ name, help string }{
	Received:  {"received", "Messages made durable at intake."},
	Delivered: {"delivered", "Messages confirmed by their target."},
	Retried:   {"retried", "Delivery attempts after the first."},
	Duplicate: {"duplicates", "Messages recognised as seen before and not applied again."},
	Dead:      {"dead", "Messages moved to the dead letters."},
	Parked:    {"parked", "Messages set aside with their key until the next attempt."},
	Filtered:  {"filtered", "Messages left out by a condition of the route."},
}

// Circuit is the state of a target's circuit breaker.
type Circuit int

// The circuit states, with the values exported as crossdock_circuit_state.
const (
	CircuitClosed   Circuit = iota // deliveries flow
	CircuitHalfOpen                // one delivery tries whether the target is back
	CircuitOpen                    // the target is not reachable, the lane waits
)

// String returns "closed", "half-open" or "open".
func (c Circuit) String() string {
	return [...]string{"closed", "half-open", "open"}[min(max(c, CircuitClosed), CircuitOpen)]
}

// Metrics are Crossdock's Prometheus metrics. All methods may be called from several goroutines and on nil.
//
//	crossdock_messages_<event>_total{route,target}           one counter per Event
//	crossdock_delivery_seconds{route,target}                 histogram, from received to confirmed by the target
//	crossdock_last_effect_timestamp_seconds{route,target}    Unix time of the last business effect
//	crossdock_lane_lag{route,target}                         messages that wait in the stream
//	crossdock_lane_parked{route,target}                      messages that wait for a retry
//	crossdock_oldest_parked_age_seconds{route,target}        how long the oldest of them has waited
//	crossdock_circuit_state{route,target}                    0 closed, 1 half-open, 2 open
//	crossdock_plugin_restarts_total{plugin}                  plugin processes started again after a crash
//	crossdock_publish_sync_seconds                           histogram of disk syncs
//	crossdock_publish_sync_calls                             histogram of publish calls that shared one sync
type Metrics struct {
	counters [events]*prometheus.CounterVec
	delivery *prometheus.HistogramVec
	effect   *prometheus.GaugeVec
	restarts *prometheus.CounterVec
	sync     prometheus.Histogram
	calls    prometheus.Histogram
	lanes    laneCollector
}

// NewMetrics registers Crossdock's metrics with reg.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	lane := []string{"route", "target"}
	m := &Metrics{
		delivery: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "crossdock_delivery_seconds", Help: "Time from the receipt of a message to the confirmation by its target.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600},
		}, lane),
		effect: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "crossdock_last_effect_timestamp_seconds", Help: "Unix time at which the target last confirmed a message.",
		}, lane),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "crossdock_plugin_restarts_total", Help: "Plugin processes started again after they ended unexpectedly.",
		}, []string{"plugin"}),
		sync: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "crossdock_publish_sync_seconds", Help: "Duration of the disk syncs that make published messages durable.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		calls: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "crossdock_publish_sync_calls", Help: "Publish calls that shared one disk sync.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
	}
	all := []prometheus.Collector{m.delivery, m.effect, m.restarts, m.sync, m.calls, &m.lanes}
	for event, text := range eventNames {
		m.counters[event] = prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "crossdock_messages_" + text.name + "_total", Help: text.help,
		}, lane)
		all = append(all, m.counters[event])
	}
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("telemetry: register metrics: %w", err)
		}
	}
	return m, nil
}

// Count adds n to the counter of an event. target is empty for events before the message has one.
func (m *Metrics) Count(event Event, route, target string, n int) {
	if m == nil || event < 0 || event >= events || n <= 0 {
		return
	}
	m.counters[event].WithLabelValues(route, target).Add(float64(n))
}

// Effect records that a target confirmed a message at the given time, the business effect that health is about.
func (m *Metrics) Effect(route, target string, at time.Time) {
	if m == nil {
		return
	}
	m.effect.WithLabelValues(route, target).Set(float64(at.UnixNano()) / float64(time.Second))
}

// ObserveDelivery records the time from the receipt of a message to its confirmation by the target.
func (m *Metrics) ObserveDelivery(route, target string, took time.Duration) {
	if m == nil {
		return
	}
	m.delivery.WithLabelValues(route, target).Observe(took.Seconds())
}

// PluginRestarted counts a plugin process that was started again after it ended unexpectedly.
func (m *Metrics) PluginRestarted(plugin string) {
	if m == nil {
		return
	}
	m.restarts.WithLabelValues(plugin).Inc()
}

// ObserveSync records one disk sync and the publish calls that shared it. It fits engine.Options.ObserveSync.
func (m *Metrics) ObserveSync(took time.Duration, publishes int) {
	if m == nil {
		return
	}
	m.sync.Observe(took.Seconds())
	m.calls.Observe(float64(publishes))
}

// WatchLanes sets the function that returns the current state of all lanes. It is called at every scrape, from any
// goroutine, and should answer within a second. The last call wins; nil ends the watch.
func (m *Metrics) WatchLanes(lanes func() []Lane) {
	if m == nil {
		return
	}
	m.lanes.read.Store(&lanes)
}

// Handler serves the metrics of a registry in Prometheus' text formats.
func Handler(reg prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}

// laneCollector exports lane states as they are at the moment of the scrape, so that an age never stands still.
type laneCollector struct {
	read atomic.Pointer[func() []Lane]
}

func laneDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"route", "target"}, nil)
}

func (c *laneCollector) descs() (lag, parked, oldest, circuit *prometheus.Desc) {
	return laneDesc("crossdock_lane_lag", "Messages of the lane that wait in the stream."),
		laneDesc("crossdock_lane_parked", "Messages of the lane that wait for a retry."),
		laneDesc("crossdock_oldest_parked_age_seconds", "How long the oldest parked message of the lane has waited."),
		laneDesc("crossdock_circuit_state", "Circuit breaker of the lane: 0 closed, 1 half-open, 2 open.")
}

// Describe implements prometheus.Collector.
func (c *laneCollector) Describe(ch chan<- *prometheus.Desc) {
	lag, parked, oldest, circuit := c.descs()
	for _, d := range []*prometheus.Desc{lag, parked, oldest, circuit} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *laneCollector) Collect(ch chan<- prometheus.Metric) {
	read := c.read.Load()
	if read == nil || *read == nil {
		return
	}
	lag, parked, oldest, circuit := c.descs()
	lanes := (*read)()
	now := time.Now()
	for _, l := range lanes {
		age := 0.0
		if !l.OldestParked.IsZero() {
			age = max(now.Sub(l.OldestParked).Seconds(), 0)
		}
		for desc, value := range map[*prometheus.Desc]float64{
			lag: float64(l.Lag), parked: float64(l.Parked), oldest: age, circuit: float64(l.Circuit),
		} {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, l.Route, l.Target)
		}
	}
}
