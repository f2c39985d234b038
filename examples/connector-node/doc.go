// Package connectornode holds a connector written in JavaScript (main.js, with
// the protocol in crossdock.js) and the test that runs it through the
// conformance suite: a connector can be written in any language that has gRPC.
package connectornode
