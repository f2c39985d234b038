package check

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/crossdock/crossdock/core/mapping/internal/editor"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
)

// TestSchemaForEditorsHasTheKeysOfTheLanguage: the schema knows exactly the keys
// and words that the check accepts, and explains every key.
func TestSchemaForEditorsHasTheKeysOfTheLanguage(t *testing.T) {
	type node struct {
		Description string          `json:"description"`
		Properties  map[string]node `json:"properties"`
		Items       *node           `json:"items"`
		AnyOf       []node          `json:"anyOf"`
		Enum        []string        `json:"enum"`
	}
	var doc struct {
		Defs map[string]node `json:"$defs"`
	}
	if err := json.Unmarshal(editor.Language, &doc); err != nil {
		t.Fatal(err)
	}
	d := doc.Defs
	body, settings := d["body"].Properties, d["mapping"].Properties["settings"].Properties
	for what, x := range map[string]struct {
		has  map[string]node
		want []string
	}{
		"mapping": {d["mapping"].Properties, topKeys}, "fragment": {d["fragment"].Properties, fragmentKeys},
		"rule": {body, ruleKeys}, "settings": {settings, settingKeys},
		"source and target": {d["side"].Properties, sideKeys}, "lookup": {d["lookup"].Properties, lookupKeys},
		"test": {d["test"].Properties, testKeys}, "assert": {d["mapping"].Properties["assert"].Items.Properties, assertKeys},
		"decimal": {body["decimal"].AnyOf[2].Properties, decimalKeys}, "date": {body["date"].AnyOf[1].Properties, dateKeys},
	} {
		if got := slices.Sorted(maps.Keys(x.has)); !slices.Equal(got, slices.Sorted(slices.Values(x.want))) {
			t.Errorf("%s: the schema has %v, the check takes %v; mend internal/editor/language.json", what, got, x.want)
		}
		for key, n := range x.has {
			if n.Description == "" {
				t.Errorf("%s: the key %s is not explained", what, key)
			}
		}
	}
	words := func(what string, got []string, want []string) {
		if slices.Sort(want); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("%s: the schema has %v, the check takes %v", what, got, want)
		}
	}
	words("rounding", body["rounding"].Enum, slices.Collect(maps.Keys(language.Roundings)))
	words("onError", body["onError"].Enum, slices.Collect(maps.Keys(program.Policies)))
	words("emptyAs", body["emptyAs"].Enum, slices.Collect(maps.Keys(program.Emptinesses)))
	words("rounding of settings", settings["rounding"].Enum, slices.Collect(maps.Keys(language.Roundings)))
	words("emptyAs of settings", settings["emptyAs"].Enum, slices.Collect(maps.Keys(program.Emptinesses)))
}
