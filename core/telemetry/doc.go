// Package telemetry is how Crossdock tells the people who run it what happens: metrics, traces, logs and health.
//
// # The idea
//
// An operator does not ask whether a process runs. She asks whether orders reach the ERP. So the unit of everything
// here is the lane, one target of one route, and the central figure is the time of its last business effect: when a
// target last confirmed something. [Report] compares it with what was to be expected and answers in sentences:
//
//	shop-orders → erp.orders: stale: no effect for 42m0s while 310 messages wait
//
// # Using it
//
// Each part is an ordinary value made once by the node and handed to whoever needs it; there is no global state.
//
//   - [Metrics] counts. Hot paths call Count, ObserveDelivery and Effect; what changes without an event (lag, age
//     of the oldest parked message, circuit) is read when Prometheus scrapes, through the function given to
//     WatchLanes.
//   - [Tracing] carries W3C trace context in message metadata from source to sink: Start continues the trace found
//     in the metadata and Inject writes it to the next message. Without an OTLP endpoint nothing is exported, but
//     contexts still travel, so that the systems on both sides see one trace.
//   - [NewLogger] makes the slog logger. It replaces secret values ([Secrets]) wherever they appear.
//   - [Report] turns lane states into health.
//
// A nil *Metrics and a nil *Tracing are valid and do nothing, which keeps tests short.
package telemetry
