// Package protocol is the boundary between Crossdock and its connectors:
// connector.proto and records.proto, the Go code generated from them, and the
// codec that both ends of the boundary use for the data plane.
//
// Connector authors do not import this package; they use connectors/sdk. It is
// for plugins/host, for the SDK, and for authors of SDKs in other languages,
// who need only the two .proto files.
//
// To regenerate after a change of the .proto files (protoc 3.21 or newer,
// protoc-gen-go v1.36, protoc-gen-go-grpc v1.6, protoc-gen-go-vtproto v0.6):
//
//	go generate ./plugins/protocol
package protocol

//go:generate protoc -I . --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative connector.proto records.proto
//go:generate protoc -I . --go-vtproto_out=. --go-vtproto_opt=paths=source_relative,features=marshal+unmarshal_unsafe+size records.proto

// Version is the major version of the connector protocol (the go-plugin
// handshake's protocol version). Plugins of another major are refused.
const Version = 1

// Minor is the additive minor version this build speaks.
const Minor = 0
