// Package host runs connectors as processes of their own and talks to them
// over the connector protocol.
//
// A connector is code that talks to the outside world: it may leak, hang or
// crash, and it must not take the core with it. So each connector is one
// process, started, watched and ended here. The rules, each learnt from a
// failure:
//
//   - Every control call has a deadline of its own; nothing trusts a plugin, or
//     a library, to answer. A plugin that misses its heartbeat is killed by pid.
//   - The Session stream is a lease both ways: when it breaks, the host ends
//     the process, and the plugin ends itself.
//   - A plugin that died is started again with growing waits, and every
//     instance is opened again before it is used. What was in flight fails with
//     class NOT_CONNECTED, code "plugin.gone"; trying again is safe, since
//     sinks recognise record ids.
//   - A plugin gets a small environment, not the host's, and its socket lives
//     in a directory that only this user may enter, wiped at every start.
//   - Processes of a run that was killed are found by pid and start time, and
//     ended before new ones start.
//   - A third-party binary runs only if its SHA-256 is in plugins.lock, and the
//     bytes that were checked are the bytes that run. Listing runs none.
//
// The core asks for an [Instance], one configured source, sink or call, and
// reads, writes or calls through it; which process serves it, and how often that
// was started, is not the caller's concern.
package host
