// Command soap is the soap connector as a program of its own. The crossdock binary
// holds the same connector; build this one to run it apart, or copy it to see
// how little a connector's main needs.
package main

import (
	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/connectors/soap"
)

func main() { sdk.Serve(soap.Connector()) }
