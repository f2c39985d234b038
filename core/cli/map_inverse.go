package cli

import (
	"fmt"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// roundTrips are the mappings among paths that name their inverse, each pair
// once even where both do.
func roundTrips(lib *mapping.Library, paths []string) ([]*mapping.RoundTrip, []mapping.Finding) {
	var trips []*mapping.RoundTrip
	var found []mapping.Finding
	seen := map[[2]string]bool{}
	for _, p := range paths {
		t, more := lib.RoundTrip(p)
		found = append(found, more...)
		if t == nil || seen[[2]string{t.Back.Path(), t.There.Path()}] {
			continue
		}
		seen[[2]string{t.There.Path(), t.Back.Path()}] = true
		trips = append(trips, t)
	}
	return trips, found
}

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

// roundTripJSON is one pair as `map check --inverse --json` prints it.
type roundTripJSON struct {
	Mapping    string             `json:"mapping"`
	Inverse    string             `json:"inverse"`
	Invertible int                `json:"invertible"`
	Lossy      int                `json:"lossy"`
	Declared   int                `json:"declared"`
	Rules      []mapping.RuleTrip `json:"rules"`
}

func (a *app) roundTripsJSON(trips []*mapping.RoundTrip, fs strictyaml.Findings) error {
	out := struct {
		Findings strictyaml.Findings `json:"findings"`
		Inverses []roundTripJSON     `json:"inverses"`
	}{strictyaml.Findings{}, []roundTripJSON{}}
	out.Findings = append(out.Findings, fs...)
	for _, t := range trips {
		j := roundTripJSON{Mapping: t.There.Path(), Inverse: t.Back.Path(), Rules: t.Rules}
		j.Invertible, j.Lossy, j.Declared = t.Count()
		out.Inverses = append(out.Inverses, j)
	}
	if err := a.printJSON(out); err != nil {
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
