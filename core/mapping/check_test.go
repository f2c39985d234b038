package mapping_test

import (
	"strings"
	"testing"

	"github.com/crossdock/crossdock/core/mapping"
)

func TestCheckFindsMistakesWithPlaces(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"unknown member in the source", "fields:\n  text: src.nam", "mappings/m.yaml:7:12: text: undefined field 'nam' (did you mean \"name\"?)"},
		{"unknown member inside of quotes", "fields:\n  text: 'src.id + src.nam'", "mappings/m.yaml:7:22: text: undefined field 'nam'"},
		{"unknown member in a block", "fields:\n  text: |\n    src.id +\n    src.nam", "mappings/m.yaml:9:8: text: undefined field 'nam'"},
		{"unknown member in a folded block", "fields:\n  text: >-\n    src.id +\n    src.nam", "mappings/m.yaml:9:8: text: undefined field 'nam'"},
		{"unknown member in plain lines", "fields:\n  text: src.id +\n     src.nam", "mappings/m.yaml:8:9: text: undefined field 'nam'"},
		{"unknown member in has", "fields: {ok: has(src.addres.zip)}", "undefined field 'addres' (did you mean \"address\"?)"},
		{"unknown variable", "fields: {text: sorc.id}", "mappings/m.yaml:6:16: text: nothing is called \"sorc\" here (did you mean \"src\"?)"},
		{"unknown member through a reference", "fields: {lines: {each: src.lines, as: l, fields: {sku: l.skuu}}}", "lines[].sku: undefined field 'skuu' (did you mean \"sku\"?)"},
		{"unknown target member", "fields: {txt: src.id}", "mappings/m.yaml:6:10: target document has no field \"txt\" (did you mean \"text\"?)"},
		{"unknown target member through a file reference", "fields: {identifiers: [{fields: {scheme: {const: x}, valu: src.id}}]}", "target identifiers[] has no field \"valu\" (did you mean \"value\"?)"},
		{"unknown key of a rule", "fields: {text: {from: src.id, defualt: x}}", "mappings/m.yaml:6:31: the rule text has no key \"defualt\" (did you mean \"default\"?)"},
		{"unknown key of the file", "feilds: {}", "a mapping has no key \"feilds\" (did you mean \"fields\"?)"},
		{"required member not set", "fields: {lines: {each: src.lines, as: l, fields: {no: {const: 1}}}}", "mappings/m.yaml:6:50: required target field lines[].sku is never set"},
		{"required member that may be missing", "fields: {lines: {each: src.lines, as: l, fields: {sku: l.price}}}", "warning: lines[].sku is required by the target, but l.price may be missing in the source"},
		{"text for a number", "fields: {count: src.id}", "mappings/m.yaml:6:17: count wants int, the expression gives string (convert it with int(…))"},
		{"number for text", "fields: {text: src.amount}", "text wants string, the expression gives double (add `decimal: 2` for money"},
		{"text for a boolean", "fields: {ok: src.id}", "ok wants bool, the expression gives string (compare it"},
		{"list for text", "fields: {text: src.lines}", "text wants string, the expression gives a list of an object (line)"},
		{"text for a list", "fields: {tags: src.id}", "tags wants a list, the expression gives string (use `each`"},
		{"object of another shape", "fields: {address: 'src.lines.first(l, true)'}", "address wants an object, the expression gives an object (line): the target has no field price"},
		{"fields for text", "fields: {text: {fields: {a: src.id}}}", "text wants text, `fields` makes an object"},
		{"types in an expression", "fields: {text: src.n + src.id}", "text: '+' does not take (int, string) (types are not converted unasked"},
		{"comparison of types", "fields: {ok: src.n == src.id}", "ok: '==' does not take (int, string)"},
		{"condition that is none", "fields: {text: {when: src.id, expr: src.id}}", "mappings/m.yaml:6:23: text: 'when' must be true/false, this is string"},
		{"expression that cannot be read", "fields: {text: src.id +}", "text: the expression cannot be read"},
		{"constant outside of the enum", "fields: {kind: {const: c}}", "mappings/m.yaml:6:24: kind allows only a, b"},
		{"constant of another type", "fields: {text: {const: 5}}", "text takes text, found 5 (quote it if it is text)"},
		{"default outside of the enum", "fields: {kind: {from: src.name, default: c}}", "kind allows only a, b"},
		{"code list value outside of the enum", "codelists: {k: {A: a, Z: z}}\nfields: {kind: {from: src.name, map: k}}", "mappings/m.yaml:6:26: the code list k gives \"z\", but kind allows only a, b"},
		{"unknown code list", "codelists: {kinds: {A: a}}\nfields: {kind: {from: src.name, map: kind}}", "kind: no code list \"kind\" (did you mean \"kinds\"?)"},
		{"unknown lookup", "fields: {text: {from: src.name, lookup: x}}", "text: no lookup \"x\""},
		{"lookup where a number is wanted", "lookups: {c: {file: xref/codes.csv, key: code, value: name}}\nfields: {count: {from: src.name, lookup: c}}", "count wants a whole number, \"lookup\" gives text"},
		{"lookup file that is not there", "lookups: {c: {file: xref/none.csv, key: code, value: name}}\nfields: {}", "mappings/m.yaml:6:21: the lookup c: the file mappings/xref/none.csv cannot be read"},
		{"lookup column that is not there", "lookups: {c: {file: xref/codes.csv, key: cod, value: name}}\nfields: {}", "there is no column \"cod\"; did you mean \"code\"?"},
		{"lookup file with two answers", "lookups: {c: {file: xref/double.csv, key: code, value: name}}\nfields: {}", "line 3: the key \"A\" has two values"},
		{"path out of the folder", "lookups: {c: {file: ../../etc/passwd, key: code, value: name}}\nfields: {}", "leads out of the configuration folder"},
		{"each of text", "fields: {lines: {each: src.id, as: l, fields: {sku: src.id}}}", "`each` wants a list, this is string"},
		{"each without as", "fields: {lines: {each: src.lines, fields: {sku: src.id}}}", "lines: `each` needs `as`"},
		{"variable that means something", "fields: {lines: {each: src.lines, as: src, fields: {sku: src.id}}}", "\"src\" already means something"},
		{"two contents", "fields: {text: {from: src.id, const: x}}", "text: needs one of from, expr, const, fields, use, value, each; found from and const"},
		{"no content", "fields: {text: {default: x}}", "found none"},
		{"empty rule", "fields:\n  text:\n", "text: the rule is empty"},
		{"result read too early", "fields: {any: out.text, text: src.id}", "any: reads out.text before a rule has made it (move this rule below"},
		{"date layout", "fields: {at: {from: src.when, date: yyyyMMDD}}", "the date layout \"yyyyMMDD\" has 'D'"},
		{"time zone", "fields: {at: {from: src.when, date: yyyyMMdd, zone: Europe/Berln}}", "there is no time zone \"Europe/Berln\""},
		{"date of a number", "fields: {at: {from: src.n, date: yyyyMMdd}}", "at: \"date\" works on text, the expression gives int"},
		{"decimal into a boolean", "fields: {ok: {from: src.name, decimal: 2}}", "ok wants true or false, \"decimal\" gives decimal text"},
		{"policy", "fields: {text: {from: src.id, onError: skp}}", "onError must be one of default, fail, skip, warn, found \"skp\" (did you mean \"skip\"?)"},
		{"policy default without default", "fields: {text: {from: src.id, onError: default}}", "onError: default needs a default"},
		{"unknown fragment", "fields: {address: {use: adress, with: {a: src.address}}}", "address: no fragment \"adress\""},
		{"fragment parameter", "include: [fragments/address.yaml]\nfields: {address: {use: address, with: {b: src.address}}}", "the fragment \"address\" has no parameter \"b\""},
		{"fragment file", "include: [fragments/none.yaml]\nfields: {}", "mappings/m.yaml:6:11: include fragments/none.yaml: the file cannot be read"},
		{"fragment over another shape", "include: [fragments/address.yaml]\nfields: {address: {use: address, with: {a: 'src.refs.first(r, true)'}}}", "mappings/fragments/address.yaml:6:10: address.city: undefined field 'city'"},
		{"unread members", "fields: {text: src.id}\nignore: [src.lines, src.address, src.refs, src.extra]", "members of the source are neither read nor ignored: src.amount, src.email, src.flag"},
		{"ignored member that is not there", "fields: {text: src.id}\nignore: [src.linse]", "ignore: the source has no src.linse (did you mean \"src.lines\"?)"},
		{"assert", "fields: {}\nassert: [{that: src.id, message: m}]", "assert: 'that' must be true/false"},
		{"test without a result", "fields: {}\ntests: [{name: t, input: {a: 1}}]", "a test needs either `expect` or `error`"},
		{"loops in loops in loops", "fields: {ok: 'src.lines.all(a, src.lines.all(b, src.lines.all(c, src.lines.all(d, src.lines.all(e, true)))))'}", "comprehension"},
		{"a huge expression", "fields: {text: '" + strings.Repeat("src.id+", 2000) + "src.id'}", "text: "},
		{"deep parentheses", "fields: {text: '" + strings.Repeat("(", 500) + "src.id" + strings.Repeat(")", 500) + "'}", "text: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, found := mapping.Check(project(tt.body), "mappings/m.yaml")
			got := list(found)
			if !strings.Contains(got, tt.want) {
				t.Errorf("found:\n%swant: %s", got, tt.want)
			}
			if isError := !strings.Contains(tt.want, "warning: ") && tt.name != "unread members"; isError != (m == nil) {
				t.Errorf("mapping %v with findings:\n%s", m, got)
			}
		})
	}
}

// TestCheckFindsWhatNeverCounts: what the schemas exclude, what loses digits,
// what nobody reads. None of it stops a mapping unless wrong values are certain.
func TestCheckFindsWhatNeverCounts(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"a condition that is never true", "fields: {text: {when: 'false', from: src.id}}", "mappings/m.yaml:6:23: warning: text: the rule never runs, since its `when` is never true (mend the condition, or leave the rule out)"},
		{"a code that the source never has", "fields: {text: {when: src.status == \"opn\", from: src.id}}", "mappings/m.yaml:6:37: warning: text: the source never has \"opn\" in src.status (did you mean \"open\"?)"},
		{"and so a rule that never runs", "fields: {text: {when: src.n > 1 && src.status == \"opn\", from: src.id}}", "mappings/m.yaml:6:23: warning: text: the rule never runs"},
		{"one of several codes", "fields: {text: {when: 'src.status in [\"open\", \"close\"]', from: src.id}}", "mappings/m.yaml:6:47: warning: text: the source never has \"close\" in src.status"},
		{"a code inside of first()", "let: {l: 'src.refs.first(r, src.status == \"x\")'}\nfields: {text: l.v}", "mappings/m.yaml:6:43: warning: let l: the source never has \"x\" in src.status"},
		{"a condition that is always true", "fields: {text: {when: has(src.id), from: src.name}}", "mappings/m.yaml:6:23: warning: text: the `when` is always true (leave it out)"},
		{"a default behind it", "fields: {text: {when: src.status != \"x\", from: src.name, default: none}}", "mappings/m.yaml:6:67: warning: text: the default is never taken, since the `when` above is always true"},
		{"a choice that is none", "fields: {text: 'has(src.id) ? src.id : src.name'}", "mappings/m.yaml:6:20: warning: text: the condition is always true, so the third part of the choice is never taken"},
		{"a code that the target does not take", "fields: {kind: 'src.flag ? \"a\" : \"c\"'}", "mappings/m.yaml:6:34: kind allows only a, b, the expression gives \"c\""},
		{"codes that the target does not take", "fields: {kind: src.status}", "mappings/m.yaml:6:16: warning: kind does not take \"open\", \"done\", which src.status may be (translate it with `map`)"},
		{"a code that the list lacks", "codelists: {k: {open: a}}\nfields: {kind: {from: src.status, map: k}}", "mappings/m.yaml:7:40: warning: kind: the source may have \"done\", which the code list k does not know (add them to the list, or \"*\" for all others)"},
		{"a code that the source never has in a list", "codelists: {k: {open: a, done: b, dome: b}}\nfields: {kind: {from: src.status, map: k}}", "mappings/m.yaml:6:35: warning: the code list k: the source never has \"dome\" (did you mean \"done\"?)"},
		{"a default of another type", "fields: {count: {from: src.n, default: none}}", "mappings/m.yaml:6:40: count takes a whole number, found \"none\""},
		{"a default of another type behind a code list", "codelists: {k: {A: 1}}\nfields: {count: {from: src.name, map: k, default: \"1\"}}", "mappings/m.yaml:7:51: count takes a whole number, found \"1\""},
		{"a default that is an expression", "fields: {text: {from: src.name, default: string(src.n + 1)}}", "mappings/m.yaml:6:42: warning: text: a fixed value stands here, and \"string(src.n + 1)\" is taken as text"},
		{"money in binary", "fields: {text: 'money(src.amount * 1.1)'}", "mappings/m.yaml:6:34: text: money() gets a number that was computed in binary floating point, where 0.1 is not exact (use dmul())"},
		{"decimal in binary", "fields: {text: {from: src.amount + 1.0, decimal: 2}}", "mappings/m.yaml:6:34: text: `decimal` gets a number that was computed in binary floating point"},
		{"a binary number as decimal text", "fields: {price: string(src.amount)}", "mappings/m.yaml:6:17: price wants a decimal number, string() gives a binary one"},
		{"an identifier as a number", "fields: {any: {each: src.lines, as: l, from: int(l.sku)}}", "mappings/m.yaml:6:51: warning: any[]: l.sku is an identifier and no amount; as a number it loses its leading zeros"},
		{"an identifier as a decimal", "fields: {tags: {each: src.lines, as: l, from: l.sku, decimal: any}}", "mappings/m.yaml:6:63: warning: tags[]: l.sku is an identifier and no amount"},
		{"members that nobody reads", "fields: {text: src.id}", "mappings/m.yaml:3:9: warning: 16 members of the source are neither read nor ignored: src.address, src.amount, src.email, src.flag, src.lines, src.n, src.name, src.note, src.refs, src.status, src.when (read them"},
		{"members of an object that is read in part", "fields: {text: src.address.city}\nignore: [src.lines, {path: src.refs, reason: not ours}, src.id]", "src.address.zip, src.amount"},
		{"an ignored member that is read", "fields: {text: src.id}\nignore: [src.amount, {path: src.id, reason: no}]", "mappings/m.yaml:7:29: warning: ignore: src.id is read (take it off the list)"},
		{"an entry of ignore without a path", "fields: {text: src.id}\nignore: [{raeson: no}]", "mappings/m.yaml:7:11: an entry of ignore has no key \"raeson\" (did you mean \"reason\"?)"},
		{"a rule that another hides", "fields: {text: src.id, text: src.name}", "mappings/m.yaml:6:24: the key \"text\" appears twice (it stands in line 6 already)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, found := mapping.Check(project(tt.body), "mappings/m.yaml")
			if got := list(found); !strings.Contains(got, tt.want) {
				t.Errorf("found:\n%swant: %s", got, tt.want)
			}
			isError := !strings.Contains(tt.want, "warning: ") && !strings.HasPrefix(tt.want, "src.")
			if isError != (m == nil) {
				t.Errorf("mapping %v with findings:\n%s", m != nil, list(found))
			}
		})
	}
}

// TestCheckIsQuiet: what is right says nothing.
func TestCheckIsQuiet(t *testing.T) {
	for name, body := range map[string]string{
		"codes that fit":             "codelists: {k: {open: a, done: b}}\nfields: {kind: {from: src.status, map: k}}",
		"others":                     "codelists: {k: {open: a, \"*\": b}}\nfields: {kind: {from: src.status, map: k}}",
		"codes that the rule drops":  "codelists: {k: {open: a}}\nfields: {kind: {from: src.status, map: k, onError: skip}}",
		"a list for two sources":     "codelists: {k: {open: a, done: b, more: b}}\nfields: {kind: {from: src.status, map: k}, text: {from: src.name, map: k}}",
		"a condition":                "fields: {text: {when: 'src.status == \"open\" || has(src.name)', from: src.id}}",
		"a default in words":         "fields: {text: {from: src.name, default: shop.example}, kind: {const: a}}",
		"a number as it is":          "fields: {ratio: src.amount, price: {from: src.amount, decimal: any}, text: 'money(src.amount)'}",
		"a ratio":                    "fields: {ratio: src.amount * 2.0}",
		"a count":                    "fields: {count: int(src.name)}",
		"a GTIN":                     "fields: {tags: {each: src.lines, as: l, from: gtin14(l.sku)}}",
		"a member of an open object": "fields: {any: src.extra}",
	} {
		t.Run(name, func(t *testing.T) {
			if m, found := mapping.Check(project(body+"\nignore: [src.address, src.refs, src.lines, src.note, src.email, src.when, src]"), "mappings/m.yaml"); m == nil || len(found) > 0 {
				t.Errorf("found:\n%s", list(found))
			}
		})
	}
}

// TestCheckOfEmptyText: a choice may end in an empty text that the target does
// not take, if the rule or the settings say that it is no value.
func TestCheckOfEmptyText(t *testing.T) {
	const refused = `kind allows only a, b, the expression gives ""`
	tests := []struct {
		settings, rule string
		want           string
	}{
		{"", "", refused},
		{"", ", emptyAs: missing", ""},
		{"", `, emptyAs: "null"`, ""},
		{"missing", "", ""},
		{"missing", ", emptyAs: empty", refused},
		{"empty", "", refused},
	}
	for _, tt := range tests {
		fsys := project(`fields: {kind: {from: 'src.flag ? "a" : ""'` + tt.rule + "}}\nignore: [src]")
		if tt.settings != "" {
			text := string(fsys["mappings/m.yaml"].Data)
			fsys["mappings/m.yaml"].Data = []byte(strings.Replace(text, "settings: {", "settings: {emptyAs: "+tt.settings+", ", 1))
		}
		m, found := mapping.Check(fsys, "mappings/m.yaml")
		if got := list(found); (m == nil) != (tt.want != "") || !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("settings %q, rule %q: found:\n%swant: %s", tt.settings, tt.rule, got, tt.want)
		}
	}
}

func TestCheckRefusesHostileFiles(t *testing.T) {
	for name, file := range map[string]string{
		"alias bomb":     "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nfields: *b\n",
		"duplicate keys": "mapping: a\nmapping: b\n",
		"not YAML":       "a: [",
		"a list":         "- a\n- b\n",
		"empty":          "",
		"two documents":  head + "fields: {}\n---\nfields: {}\n",
		"not UTF-8":      "mapping: \xff\xfe",
		"deep":           head + "fields: {any: " + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}",
		"huge":           head + "description: " + strings.Repeat("x", 5<<20),
	} {
		t.Run(name, func(t *testing.T) {
			fsys := project("")
			fsys["mappings/m.yaml"].Data = []byte(file)
			m, found := mapping.Check(fsys, "mappings/m.yaml")
			if m != nil || len(found) == 0 {
				t.Fatalf("accepted: %v", found)
			}
			for _, f := range found {
				if f.File == "" || f.Line < 1 || f.Message == "" {
					t.Errorf("a finding without a place: %+v", f)
				}
			}
		})
	}
	if m, found := mapping.Check(project(""), "../outside.yaml"); m != nil || len(found) != 1 {
		t.Errorf("a path out of the folder: %v", found)
	}
}

func TestCheckFindsEverythingAtOnce(t *testing.T) {
	// A condition that tests the member silences the warning about it.
	if m, found := mapping.Check(project("fields: {identifiers: [{when: 'src.n > 0 && has(src.name)', fields: {scheme: {const: x}, value: src.name}}]}\nignore: [src]"), "mappings/m.yaml"); m == nil || len(found) > 0 {
		t.Errorf("found:\n%s", list(found))
	}
	// So does an author who wants the document to fail.
	if m, found := mapping.Check(project("fields: {lines: {each: src.lines, as: l, fields: {sku: {from: l.price, required: true}}}}\nignore: [src]"), "mappings/m.yaml"); m == nil || len(found) > 0 {
		t.Errorf("found:\n%s", list(found))
	}
	_, found := mapping.Check(project("fields: {txt: src.id, count: src.id, text: src.nam, kind: {from: src.name, map: none}}\nignore: [src]"), "mappings/m.yaml")
	if len(found) != 4 {
		t.Errorf("%d findings, want 4:\n%s", len(found), list(found))
	}
}
