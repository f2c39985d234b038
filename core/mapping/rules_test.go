package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/core/mapping"
)

// base has every required member of the source.
const base = `"id":"4711","n":3,"lines":[{"sku":"A1","qty":"2","price":"1.50","tags":["x","y"]},{"sku":"B2","qty":"3","price":"0.333"}]`

func TestRules(t *testing.T) {
	tests := []struct {
		name  string
		rules string // under the head
		doc   string // members added to base
		want  string // the result, or
		fails string // text in the error
	}{
		{"expression", `fields: {text: src.id + "!"}`, ``, `{"text":"4711!"}`, ``},
		{"from and const", `fields: {text: {from: src.id}, kind: {const: a}}`, ``, `{"text":"4711","kind":"a"}`, ``},
		{
			"constants of every type", `fields: {count: {const: 5}, ratio: {const: 1.50}, ok: {const: true}, any: {const: {a: [1, "2", null]}}}`, ``,
			`{"count":5,"ratio":1.50,"ok":true,"any":{"a":[1,"2",null]}}`, ``,
		},
		{"text is escaped", `fields: {text: src.name}`, `"name":"a\"\\\n\u0001é😀"`, "{\"text\":\"a\\\"\\\\\\n\\u0001é😀\"}", ``},

		{"missing leaves out", `fields: {text: src.name, kind: {const: a}}`, ``, `{"kind":"a"}`, ``},
		{"missing in a calculation leaves out", `fields: {text: 'src.id + src.name'}`, ``, `{}`, ``},
		{"missing has a default", `fields: {text: {from: src.name, default: none}}`, ``, `{"text":"none"}`, ``},
		{"missing but required by the rule", `fields: {text: {from: src.name, required: true}}`, ``, ``, `required but has no value: src.name is missing`},
		{"null is missing", `fields: {text: src.note}`, `"note":null`, `{}`, ``},
		{"null is kept where allowed", `fields: {nullable: src.note}`, `"note":null`, `{"nullable":null}`, ``},
		{"null in a function is missing", `fields: {text: {expr: 'src.note.upper()', default: d}}`, `"note":null`, `{"text":"d"}`, ``},
		{"null can be asked for", `fields: {ok: src.note == null}`, `"note":null`, `{"ok":true}`, ``},
		{"null where the schema has none is missing", `fields: {text: {from: src.name, default: d}}`, `"name":null`, `{"text":"d"}`, ``},
		{"empty is a value", `fields: {text: {from: src.name, default: d}}`, `"name":""`, `{"text":""}`, ``},
		{"empty as missing", `fields: {text: {from: src.name, emptyAs: missing, default: d}}`, `"name":""`, `{"text":"d"}`, ``},
		{"empty as null", `fields: {nullable: {from: src.name, emptyAs: "null"}}`, `"name":""`, `{"nullable":null}`, ``},

		{"when false", `fields: {text: {when: src.n > 3, expr: src.id}}`, ``, `{}`, ``},
		{"when false with default", `fields: {text: {when: src.n > 3, expr: src.id, default: few}}`, ``, `{"text":"few"}`, ``},
		{"when reads what is missing", `fields: {text: {when: src.name == "x", expr: src.id}}`, ``, ``, "`when`: src.name is missing; test it with has() first"},
		{"has on a missing parent", `fields: {ok: has(src.address.zip)}`, ``, `{"ok":false}`, ``},
		{"has on null", `fields: {ok: has(src.note)}`, `"note":null`, `{"ok":false}`, ``},
		{"has", `fields: {ok: has(src.address.zip)}`, `"address":{"city":"c","zip":""}`, `{"ok":true}`, ``},

		{"nested fields", `fields: {address: {fields: {city: src.address.city, zip: src.address.zip}}}`, `"address":{"city":"Ulm"}`, `{"address":{"city":"Ulm"}}`, ``},
		{"an object without members is left out", `fields: {address: {fields: {city: src.address.city, zip: src.address.zip}}}`, ``, `{}`, ``},
		{"an object with a required member missing", `fields: {address: {fields: {city: src.name, zip: src.id}}}`, ``, ``, `field address.city: the field is required but has no value: src.name is missing`},
		{"an object copied whole", `fields: {address: src.address}`, `"address":{"zip":"1","city":"Ulm"}`, `{"address":{"zip":"1","city":"Ulm"}}`, ``},

		{
			"each", `fields: {lines: {each: src.lines, as: l, index: i, fields: {no: i + 1, sku: l.sku, total: 'dmul(l.qty, l.price)'}}}`, ``,
			`{"lines":[{"no":1,"sku":"A1","total":"3.00"},{"no":2,"sku":"B2","total":"1.00"}]}`, ``,
		},
		{
			"each in each", `fields: {lines: {each: src.lines, as: l, fields: {sku: l.sku, parts: {each: l.tags, as: t, fields: {tag: t, of: l.sku}}}}}`, ``,
			`{"lines":[{"sku":"A1","parts":[{"tag":"x","of":"A1"},{"tag":"y","of":"A1"}]},{"sku":"B2"}]}`, ``,
		},
		{"each of texts", `fields: {tags: {each: src.lines, as: l, expr: l.sku.lower()}}`, ``, `{"tags":["a1","b2"]}`, ``},
		{"each of a filter", `fields: {tags: {each: 'src.lines.filter(l, l.qty == "3")', as: l, from: l.sku}}`, ``, `{"tags":["B2"]}`, ``},
		{"each of nothing", `fields: {lines: {each: 'src.lines.filter(x, false)', as: l, fields: {sku: l.sku}}}`, ``, `{"lines":[]}`, ``},
		{
			"a list written out", `fields: {identifiers: [{fields: {scheme: {const: sku}, value: src.id}}, {when: src.n > 5, fields: {scheme: {const: x}, value: src.id}}, {when: has(src.name), fields: {scheme: {const: name}, value: src.name}}]}`,
			`"name":"N"`, `{"identifiers":[{"scheme":"sku","value":"4711"},{"scheme":"name","value":"N"}]}`, ``,
		},
		{"a list with value and when", `fields: {tags: {when: src.n == 3, value: [src.id, '"fix"', src.name]}}`, ``, `{"tags":["4711","fix"]}`, ``},
		{"each inside of a list", `fields: {tags: ['"first"', {each: src.lines, as: l, expr: l.sku}]}`, ``, `{"tags":["first","A1","B2"]}`, ``},

		{"let", "let: {l: 'src.lines.first(x, x.qty == \"3\")'}\nfields: {text: l.sku}", ``, `{"text":"B2"}`, ``},
		{"let without a value", "let: {l: 'src.lines.first(x, x.qty == \"9\")', m: l.sku}\nfields: {text: {expr: m, default: none}}", ``, `{"text":"none"}`, ``},
		{"first without a match", `fields: {text: 'src.refs.first(r, r.q == "DP").v'}`, `"refs":[{"q":"XX","v":"1"}]`, `{}`, ``},
		{"exists", `fields: {ok: 'src.refs.exists(r, has(r.q) && r.q == "XX")'}`, `"refs":[{},{"q":"XX"}]`, `{"ok":true}`, ``},

		{"code list", "codelists: {k: {O: a, \"*\": b}}\nfields: {kind: {from: src.name, map: k}}", `"name":"O"`, `{"kind":"a"}`, ``},
		{"code list, all others", "codelists: {k: {O: a, \"*\": b}}\nfields: {kind: {from: src.name, map: k}}", `"name":"Z"`, `{"kind":"b"}`, ``},
		{"code list, unknown", "codelists: {k: {O: a}}\nfields: {kind: {from: src.name, map: k}}", `"name":"Z"`, ``, `the code "Z" is not in the code list k (known: [O])`},
		{"code list to booleans", "codelists: {k: {Y: true, N: false}}\nfields: {ok: {from: src.name, map: k}}", `"name":"N"`, `{"ok":false}`, ``},
		{"code list of numbers", "codelists: {k: {\"3\": a}}\nfields: {kind: {from: src.n, map: k}}", ``, `{"kind":"a"}`, ``},
		{"lookup in a file", "lookups: {c: {file: xref/codes.csv, key: code, value: name}}\nfields: {text: {from: src.name, lookup: c}}", `"name":"B"`, `{"text":"Beta"}`, ``},
		{"lookup miss fails", "lookups: {c: {file: xref/codes.csv, key: code, value: name}}\nfields: {text: {from: src.name, lookup: c}}", `"name":"Z"`, ``, `the lookup c has no code "Z"`},
		{"lookup miss skips", "lookups: {c: {file: xref/codes.csv, key: code, value: name, onMiss: skip}}\nfields: {text: {from: src.name, lookup: c, default: d}}", `"name":"Z"`, `{"text":"d"}`, ``},
		{"lookup miss has a text", "lookups: {c: {file: xref/codes.csv, key: code, value: name, onMiss: unknown}}\nfields: {text: {from: src.name, lookup: c}}", `"name":"Z"`, `{"text":"unknown"}`, ``},
		{"lookup of a number", "lookups: {c: {file: xref/codes.csv, key: code, value: name, onMiss: \"7\"}}\nfields: {count: {from: src.name, lookup: c, decimal: 0}}", `"name":"Z"`, `{"count":7}`, ``},
		{"lookup of a number that is none", "lookups: {c: {file: xref/codes.csv, key: code, value: name}}\nfields: {count: {from: src.name, lookup: c, decimal: 0}}", `"name":"B"`, ``, `"Beta" is not a decimal number`},
		{"lookup in a table", "lookups: {c: {table: t, connection: main, key: code, value: name, cache: 5m}}\nfields: {text: {from: src.name, lookup: c}}", `"name":"known"`, `{"text":"t:known"}`, ``},

		{"on error fail", `fields: {count: int(src.name)}`, `"name":"x"`, ``, `field count`},
		{"on error skip", `fields: {count: {expr: int(src.name), onError: skip}}`, `"name":"x"`, `{}`, ``},
		{"on error default", `fields: {count: {expr: int(src.name), onError: default, default: 0}}`, `"name":"x"`, `{"count":0}`, ``},
		{"on error of an object", `fields: {address: {onError: skip, fields: {city: src.id, zip: string(int(src.name))}}}`, `"name":"x"`, `{}`, ``},
		{"on error warn", `fields: {count: {expr: int(src.name), onError: warn}}`, `"name":"x"`, `{}`, ``},

		{"decimal", `fields: {text: {from: src.name, decimal: 2}}`, `"name":"2.345"`, `{"text":"2.34"}`, ``},
		{"decimal pads", `fields: {text: {from: src.name, decimal: 2}}`, `"name":"7"`, `{"text":"7.00"}`, ``},
		{"decimal half up", `fields: {text: {from: src.name, decimal: {scale: 2, rounding: half-up}}}`, `"name":"-2.345"`, `{"text":"-2.35"}`, ``},
		{"decimal any", `fields: {text: {from: src.name, decimal: any}}`, `"name":"007.50"`, `{"text":"7.50"}`, ``},
		{"decimal of a JSON number keeps digits", `fields: {text: {from: src.amount, decimal: any}}`, `"amount":1234567890123456.78`, `{"text":"1234567890123456.78"}`, ``},
		{"decimal to a JSON number", `fields: {ratio: {from: src.name, decimal: 2}}`, `"name":"12.5"`, `{"ratio":12.50}`, ``},
		{"decimal of a word", `fields: {text: {from: src.name, decimal: 2}}`, `"name":"1,50"`, ``, `"1,50" is not a decimal number such as 12.50`},
		{"decimal with too many digits", `fields: {text: {from: src.name, decimal: 2}}`, `"name":"12345678901234567890.12"`, ``, `more than 19 digits`},
		{"money functions", `fields: {text: 'dadd(money(src.name), dsub("1", 0.25)) + "|" + dsum(src.lines.map(l, l.qty)) + "|" + ddiv("1", 3, 4)'}`, `"name":"1.005"`, `{"text":"1.75|5.00|0.3333"}`, ``},
		{"dsum is exact", `fields: {text: 'dsum(["0.1", "0.2", "0.003"])'}`, ``, `{"text":"0.303"}`, ``},
		{"a null list in a loop is missing", `fields: {text: {expr: 'src.extra.list.map(x, x).size() > 0 ? "a" : "b"', default: none}}`, `"extra":{"list":null}`, `{"text":"none"}`, ``},
		{"convert", `fields: {text: 'convert("10", "LBR", "KGM", 3)', any: 'convert(2, "DZN", "EA", 0)', nullable: 'convert(src.lines[0].price, "INH", "MMT", 1)'}`, ``, `{"text":"4.536","any":"24","nullable":"38.1"}`, ``},
		{"convert between dimensions", `fields: {text: 'convert("1", "KGM", "MTR")'}`, ``, ``, `KGM measures mass and MTR measures length`},
		{"convert an unknown unit", `fields: {text: 'convert("1", "KG", "KGM")'}`, ``, ``, `"KG" is no unit`},
		{"dcmp", `fields: {ok: 'dcmp("9.50", src.n) > 0 && dcmp("1.0", "1") == 0'}`, ``, `{"ok":true}`, ``},
		{"a long number in a calculation", `fields: {ratio: src.amount + 1.0}`, `"amount":12345678901234567.5`, ``, `loses some in calculation`},
		{"a long number copied", `fields: {ratio: src.amount}`, `"amount":12345678901234567.50`, `{"ratio":12345678901234567.50}`, ``},

		{"date", `fields: {at: {from: src.when, date: yyyyMMdd}}`, `"when":"20260512"`, `{"at":"2026-05-12T00:00:00-05:00"}`, ``},
		{"date in another zone", `fields: {at: {from: src.when, date: "dd.MM.yyyy HH:mm", zone: Europe/Berlin}}`, `"when":"12.01.2026 08:30"`, `{"at":"2026-01-12T08:30:00+01:00"}`, ``},
		{"date with its own zone", `fields: {at: {from: src.when, date: "yyyy-MM-dd'T'HH:mmXXX"}}`, `"when":"2026-01-12T08:30Z"`, `{"at":"2026-01-12T08:30:00Z"}`, ``},
		{"date to a day", `fields: {day: {from: src.when, date: yyMMdd}}`, `"when":"260512"`, `{"day":"2026-05-12"}`, ``},
		{"date to a pattern", `fields: {text: {from: src.when, date: {to: yyyyMMdd}}}`, `"when":"2026-05-12T02:00:00Z"`, `{"text":"20260511"}`, ``},
		{"date that is none", `fields: {at: {from: src.when, date: yyyyMMdd}}`, `"when":"20261340"`, ``, `"20261340" is not a date written as yyyyMMdd`},
		{"ts", `fields: {at: 'ts(src.when, "1430", "Europe/Berlin")'}`, `"when":"20260712"`, `{"at":"2026-07-12T14:30:00+02:00"}`, ``},
		{"ts in the mapping's zone", `fields: {at: 'ts(src.when, "")'}`, `"when":"260712"`, `{"at":"2026-07-12T00:00:00-05:00"}`, ``},
		{"formatTime", `fields: {text: 'formatTime(src.when, "HHmm", "UTC")'}`, `"when":"2026-07-12T14:30:00+02:00"`, `{"text":"1230"}`, ``},
		{"now", `fields: {at: now()}`, ``, `{"at":"2026-05-12T08:00:00Z"}`, ``},
		{"metadata", `fields: {text: 'meta["tenant"] + "/" + messageId'}`, ``, `{"text":"acme/m-1"}`, ``},
		{"metadata that is missing", `fields: {text: {expr: 'meta["other"]', default: d}}`, ``, `{"text":"d"}`, ``},

		{"text functions", `fields: {text: '" a-b ".trim().upper().replace("-", "+") + "Q,R".split(",").join("/") + "abcd".substring(1, 3)'}`, ``, `{"text":"A+BQ/Rbc"}`, ``},
		{"gtin14", `fields: {text: gtin14("012345670003")}`, ``, `{"text":"00012345670003"}`, ``},
		{"gtin14 of a word", `fields: {text: gtin14("abc")}`, ``, ``, `"abc" is not a GTIN`},
		{"optional", `fields: {text: 'src.?address.?zip.orValue("none")'}`, ``, `{"text":"none"}`, ``},

		{"fragment", "include: [fragments/address.yaml]\nfields: {address: {use: address, with: {a: src.address}}}", `"address":{"city":"Ulm","zip":"7"}`, `{"address":{"city":"Ulm","zip":"other"}}`, ``},
		{"fragment without its argument", "include: [fragments/address.yaml]\nfields: {address: {use: address, with: {a: src.address}}}", ``, `{}`, ``},
		{"result so far", "fields: {text: src.id, any: out.text + \"!\"}", ``, `{"text":"4711","any":"4711!"}`, ``},
		{"open objects", `fields: {text: 'string(src.extra["a"].b)', any: src.extra}`, `"extra":{"a":{"b":1}}`, `{"text":"1","any":{"a":{"b":1}}}`, ``},
		{"objects made by CEL", `fields: {any: '{"b": [1, 2.5], "a": src.address}'}`, `"address":{"city":"c"}`, `{"any":{"a":{"city":"c"},"b":[1,2.5]}}`, ``},

		{"assert", "fields: {count: src.n}\nassert: [{that: out.count == size(src.lines), message: counts differ}]", ``, ``, `the assertion failed: counts differ`},
		{"the schema's last word", `fields: {short: src.id}`, ``, ``, `field short: the result does not fit the target's schema: maxLength: got 4, want 3`},
		{"a wrong type in the source", `fields: {text: src.name}`, `"name":5`, ``, `src.name is a number, but the schema of the source says text`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := checked(t, tt.rules)
			doc := "{" + base
			if tt.doc != "" {
				doc += "," + tt.doc
			}
			out, err := run(m, doc+"}")
			if tt.fails != "" {
				var me *mapping.Error
				if !errors.As(err, &me) || !strings.Contains(err.Error(), tt.fails) {
					t.Fatalf("error %v, want one with %q; result %s", err, tt.fails, out.Doc)
				}
				if me.Line < 6 && me.Source == "" || me.File == "" || me.MessageID != "m-1" {
					t.Errorf("the error has no place: %+v", me)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(out.Doc) != tt.want {
				t.Errorf("result %s\nwant   %s", out.Doc, tt.want)
			}
		})
	}
}
