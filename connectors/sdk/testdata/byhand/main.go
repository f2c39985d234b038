// Command byhand is started by a test without a host.
package main

import "github.com/crossdock/crossdock/connectors/sdk"

func main() {
	sdk.Serve(sdk.Connector[struct{}]{Spec: sdk.Spec{Name: "byhand", Version: "1.0.0", Summary: "test"}})
}
