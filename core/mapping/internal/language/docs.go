package language

// Doc explains a function for people who write expressions.
type Doc struct {
	Name string
	// On is what the function is called on: text, list or optional; "" when it
	// stands alone.
	On    string
	Use   string // as it is written
	About string
}

// Docs are the functions that editors offer, in the order of the guide.
var Docs = []Doc{
	{"has", "", `has(src.a.b)`, "Is there, and not null; every step is looked at."},
	{"money", "", `money(x), money(x, digits)`, "Decimal text, rounded to the digits of the currency."},
	{"dmul", "", `dmul(a, b), dmul(a, b, digits)`, "Exact product as decimal text, rounded to the digits of the currency."},
	{"ddiv", "", `ddiv(a, b), ddiv(a, b, digits)`, "Quotient as decimal text, rounded to the digits of the currency."},
	{"dadd", "", `dadd(a, b)`, "Exact sum as decimal text."},
	{"dsub", "", `dsub(a, b)`, "Exact difference as decimal text."},
	{"dsum", "", `dsum(list)`, "Exact sum of a list as decimal text."},
	{"dcmp", "", `dcmp(a, b)`, `Compares decimals: -1, 0 or 1. As text, "9.50" would be more than "10".`},
	{"convert", "", `convert(a, from, to), convert(a, from, to, scale)`, "A measure in another unit of UN/ECE Recommendation 20, such as LBR and KGM."},
	{"ts", "", `ts(date, time), ts(date, time, zone)`, "20260512 and 1430 as RFC 3339; the time may be empty."},
	{"formatTime", "", `formatTime(t, "yyyyMMdd"), formatTime(t, "yyyyMMdd", zone)`, "RFC 3339 in another form."},
	{"gtin14", "", `gtin14(x)`, "A GTIN of 8, 12, 13 or 14 digits in 14 digits."},
	{"now", "", `now()`, "When the message was received; a replay gives the same."},
	{"int", "", `int(x)`, "Text or a number as a whole number."},
	{"string", "", `string(x)`, "A number or true/false as text."},
	{"double", "", `double(x)`, "A binary number; use money() for money."},
	{"bool", "", `bool(x)`, `The text "true" or "false" as a truth value.`},
	{"size", "", `size(x)`, "How many items a list has, or characters a text."},

	{"first", "list", `list.first(x, x.q == "ST"), list.first()`, "The first item that fits; none is a missing value."},
	{"filter", "list", `list.filter(x, x.q == "ST")`, "The items that fit."},
	{"map", "list", `list.map(x, x.sku)`, "A list with what is computed of each item."},
	{"exists", "list", `list.exists(x, x.q == "ST")`, "Does any item fit?"},
	{"exists_one", "list", `list.exists_one(x, x.q == "ST")`, "Does exactly one item fit?"},
	{"all", "list", `list.all(x, x.qty != "0")`, "Do all items fit?"},
	{"join", "list", `list.join(", ")`, "The texts of a list in one."},

	{"upper", "text", `text.upper()`, "In capital letters."},
	{"lower", "text", `text.lower()`, "In small letters."},
	{"trim", "text", `text.trim()`, "Without blanks at both ends."},
	{"replace", "text", `text.replace("a", "b")`, "With every a replaced by b."},
	{"substring", "text", `text.substring(from), text.substring(from, to)`, "A part, counted from 0; to is not in it."},
	{"split", "text", `text.split(",")`, "A list of the parts."},
	{"startsWith", "text", `text.startsWith("a")`, "Does it begin so?"},
	{"endsWith", "text", `text.endsWith("a")`, "Does it end so?"},
	{"contains", "text", `text.contains("a")`, "Does it stand in the text?"},
	{"matches", "text", `text.matches("^[0-9]+$")`, "Does the regular expression (RE2) fit a part?"},
	{"indexOf", "text", `text.indexOf("a")`, "Where it first stands, from 0; -1 when it does not."},
	{"lastIndexOf", "text", `text.lastIndexOf("a")`, "Where it last stands, from 0; -1 when it does not."},
	{"charAt", "text", `text.charAt(0)`, "One character."},
	{"reverse", "text", `text.reverse()`, "From the end to the beginning."},

	{"orValue", "optional", `src.?a.orValue("")`, "The value, or another when there is none."},
	{"hasValue", "optional", `src.?a.hasValue()`, "Is there a value?"},
}

// Document finds the explanation of a function; method tells that it stands
// behind a dot.
func Document(name string, method bool) (Doc, bool) {
	for _, d := range Docs {
		if d.Name == name && method == (d.On != "") {
			return d, true
		}
	}
	return Doc{}, false
}
