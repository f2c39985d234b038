package protocol

import (
	"context"
	"errors"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// PluginName is the name under which go-plugin dispenses a connector.
const PluginName = "connector"

// The handshake's cookie. It is no secret: it lets a plugin that a person
// started by hand say so instead of waiting for a host.
const (
	CookieKey   = "CROSSDOCK_CONNECTOR"
	CookieValue = "5f1d0c3e-crossdock-connector-v1"
)

// Sizes on the boundary, in bytes.
const (
	// MaxMessageBytes is the largest protocol message either side accepts.
	MaxMessageBytes = 64 << 20
	// MaxRecordBytes is the largest encoded record. A batch is closed before
	// it passes BatchBytes, so a batch with such a record still fits into
	// MaxMessageBytes.
	MaxRecordBytes = 32 << 20
	// BatchBytes and BatchRecords bound a batch of more than one record.
	BatchBytes   = 1 << 20
	BatchRecords = 256
)

// Handshake is what host and plugin agree upon before they talk.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  Version,
		MagicCookieKey:   CookieKey,
		MagicCookieValue: CookieValue,
	}
}

// Plugins returns the plugin set for go-plugin's client (server nil) or server
// configuration.
func Plugins(server ConnectorServer) plugin.PluginSet {
	return plugin.PluginSet{PluginName: &GRPCPlugin{Impl: server}}
}

// GRPCPlugin connects the Connector service to go-plugin. The host leaves
// Impl nil; Dispense(PluginName) then returns a ConnectorClient.
type GRPCPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	Impl ConnectorServer
}

var _ plugin.GRPCPlugin = (*GRPCPlugin)(nil)

// GRPCServer registers Impl; go-plugin calls it in the plugin process.
func (p *GRPCPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if p.Impl == nil {
		return errors.New("connector protocol: GRPCPlugin.Impl is nil; nothing to serve")
	}
	RegisterConnectorServer(s, p.Impl)
	return nil
}

// GRPCClient returns a ConnectorClient; go-plugin calls it in the host.
func (p *GRPCPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewConnectorClient(conn), nil
}

// Flow control and buffers, measured with batches of 256 records of 1 KiB: the
// defaults of gRPC reach half the rate on one core.
const (
	streamWindow     = 4 << 20
	connectionWindow = 8 << 20
	bufferBytes      = 256 << 10
)

// ServerOptions tunes the gRPC server of a plugin process.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(Codec()),
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.MaxSendMsgSize(MaxMessageBytes),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connectionWindow),
		grpc.WriteBufferSize(bufferBytes),
		grpc.ReadBufferSize(bufferBytes),
	}
}

// NewServer has the signature of plugin.ServeConfig.GRPCServer.
func NewServer(opts []grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append(ServerOptions(), opts...)...)
}

// DialOptions tunes the host's connection to a plugin. The defaults of gRPC
// work too; they are slower.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.ForceCodecV2(Codec()),
			grpc.MaxCallRecvMsgSize(MaxMessageBytes),
			grpc.MaxCallSendMsgSize(MaxMessageBytes),
		),
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(connectionWindow),
		grpc.WithWriteBufferSize(bufferBytes),
		grpc.WithReadBufferSize(bufferBytes),
	}
}
