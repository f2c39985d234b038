package cli

import (
	"fmt"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/cli/internal/insight"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// printRoundTrips prints a line for each pair, with each a line for each rule.
func (a *app) printRoundTrips(trips []*mapping.RoundTrip, each bool) {
	for _, t := range trips {
		if each {
			for _, r := range t.Rules {
				fmt.Fprintln(a.Out, r)
			}
		}
		invertible, lossy, declared := t.Count()
		fmt.Fprintf(a.Out, "%s and its inverse %s: %s invertible, %d lossy (%d declared)\n", t.There.Path(), t.Back.Path(), plural(invertible, "rule"), lossy, declared)
	}
}

func (a *app) roundTripsJSON(trips []*mapping.RoundTrip, fs strictyaml.Findings) error {
	if err := a.printJSON(insight.NewPairs(trips, fs)); err != nil {
		return err
	}
	failed := 0
	for _, f := range fs {
		if f.Severity == strictyaml.Error {
			failed++
		}
	}
	if failed > 0 {
		return &exit.Error{Code: 1, Err: fmt.Errorf("%s found", plural(failed, "error"))}
	}
	return nil
}
