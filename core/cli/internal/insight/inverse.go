package insight

import (
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// RoundTrips are the mappings among paths that name their inverse, each pair
// once even where both do.
func RoundTrips(lib *mapping.Library, paths []string) ([]*mapping.RoundTrip, []mapping.Finding) {
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

// Pairs are mappings with their inverses, and all findings, as `map check
// --inverse --json` prints them.
type Pairs struct {
	Findings strictyaml.Findings `json:"findings"`
	Inverses []Pair              `json:"inverses"`
}

// Pair is a mapping with its inverse.
type Pair struct {
	Mapping    string             `json:"mapping"`
	Inverse    string             `json:"inverse"`
	Invertible int                `json:"invertible"`
	Lossy      int                `json:"lossy"`
	Declared   int                `json:"declared"`
	Rules      []mapping.RuleTrip `json:"rules"`
}

// NewPairs gathers what is printed.
func NewPairs(trips []*mapping.RoundTrip, fs strictyaml.Findings) Pairs {
	out := Pairs{append(strictyaml.Findings{}, fs...), []Pair{}}
	for _, t := range trips {
		p := Pair{Mapping: t.There.Path(), Inverse: t.Back.Path(), Rules: t.Rules}
		p.Invertible, p.Lossy, p.Declared = t.Count()
		out.Inverses = append(out.Inverses, p)
	}
	return out
}
