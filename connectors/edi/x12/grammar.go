package x12

// kind is an element's type (X12.6): AN and ID are text here.
type kind int

const (
	text kind = iota
	integer
	decimal
	date
	clock
)

type element struct {
	name     string
	kind     kind
	min, max int
	required bool
	codes    string // separated by blanks; empty: any
}

// node is one segment of a set, with the loop that it begins.
type node struct {
	tag      string
	required bool
	max      int
	loop     []node
}

const many = 1 << 30

func el(name string, k kind, lo, hi int) element {
	return element{name: name, kind: k, min: lo, max: hi}
}

func req(name string, k kind, lo, hi int) element {
	return element{name: name, kind: k, min: lo, max: hi, required: true}
}

func (e element) of(codes string) element {
	e.codes = codes
	return e
}

// productIDs are the repeated pairs of qualifier and product id (data elements
// 235 and 234).
func productIDs(n int) []element {
	var out []element
	for range n {
		out = append(out, el("product id qualifier", text, 2, 2), el("product id", text, 1, 48))
	}
	return out
}

// segments are the elements of every segment used, X12 004010, for retail.
var segments = map[string][]element{
	"ST":  {req("set identifier", text, 3, 3), req("control number", text, 4, 9)},
	"SE":  {req("segment count", integer, 1, 10), req("control number", text, 4, 9)},
	"BEG": {req("purpose", text, 2, 2).of("00 01 02 03 04 05 06 07 15 18 22 24 28"), req("order type", text, 2, 2), req("purchase order number", text, 1, 22), el("release number", text, 1, 30), req("order date", date, 8, 8), el("contract number", text, 1, 30), el("acknowledgement type", text, 2, 2), el("invoice type", text, 3, 3), el("contract type", text, 2, 2), el("purchase category", text, 2, 2), el("security level", text, 2, 2), el("transaction type", text, 2, 2)},
	"BAK": {req("purpose", text, 2, 2).of("00 01 02 03 04 05 06 07 15 18 22 24 28"), req("acknowledgement type", text, 2, 2).of("AC AD AE AH AK AP AT NA RD RF RJ RO ZZ"), req("purchase order number", text, 1, 22), req("order date", date, 8, 8), el("release number", text, 1, 30), el("request reference", text, 1, 45), el("contract number", text, 1, 30), el("reference", text, 1, 30), el("acknowledgement date", date, 8, 8), el("transaction type", text, 2, 2)},
	"BIA": {req("purpose", text, 2, 2).of("00 01 02 03 04 05 06 07 08 12 13 15"), req("report type", text, 2, 2), req("reference", text, 1, 30), req("date", date, 8, 8), el("time", clock, 4, 8), el("action", text, 1, 2)},
	"CUR": {req("entity", text, 2, 3), req("currency", text, 3, 3), el("exchange rate", decimal, 4, 10), el("entity", text, 2, 3), el("currency", text, 3, 3)},
	"REF": {req("reference qualifier", text, 2, 3), el("reference", text, 1, 30), el("description", text, 1, 80), el("reference identifier", text, 1, 80)},
	"PER": {req("function", text, 2, 2), el("name", text, 1, 60), el("number qualifier", text, 2, 2), el("number", text, 1, 80), el("number qualifier", text, 2, 2), el("number", text, 1, 80), el("number qualifier", text, 2, 2), el("number", text, 1, 80), el("inquiry reference", text, 1, 20)},
	"FOB": {req("shipment method of payment", text, 2, 2), el("location qualifier", text, 1, 2), el("description", text, 1, 80), el("transportation terms qualifier", text, 2, 2), el("transportation terms", text, 3, 3), el("location qualifier", text, 1, 2), el("description", text, 1, 80), el("risk of loss", text, 2, 2), el("description", text, 1, 80)},
	"ITD": {el("terms type", text, 2, 2), el("terms basis", text, 1, 2), el("discount percent", decimal, 1, 6), el("discount due date", date, 8, 8), el("discount days", integer, 1, 3), el("net due date", date, 8, 8), el("net days", integer, 1, 3), el("discount amount", integer, 1, 10), el("deferred due date", date, 8, 8), el("deferred amount", integer, 1, 10), el("percent", decimal, 1, 5), el("description", text, 1, 80), el("day of month", integer, 1, 2), el("payment method", text, 1, 1), el("percentage", decimal, 1, 10)},
	"DTM": {req("date qualifier", text, 3, 3), el("date", date, 8, 8), el("time", clock, 4, 8), el("time code", text, 2, 2), el("period qualifier", text, 2, 3), el("period", text, 1, 35)},
	"TD5": {el("routing sequence", text, 1, 2), el("carrier qualifier", text, 1, 2), el("carrier", text, 2, 80), el("transportation method", text, 1, 2), el("routing", text, 1, 35), el("shipment status", text, 2, 2), el("location qualifier", text, 1, 2), el("location", text, 1, 30), el("transit direction", text, 2, 2), el("transit time qualifier", text, 2, 2), el("transit time", decimal, 1, 4), el("service level", text, 2, 2), el("service level", text, 2, 2), el("service level", text, 2, 2), el("country", text, 2, 3)},
	"SAC": {req("allowance or charge", text, 1, 1).of("A B C D N P Q R S T"), el("service code", text, 4, 4), el("agency", text, 2, 2), el("agency code", text, 1, 10), el("amount", integer, 1, 15), el("percent qualifier", text, 1, 1), el("percent", decimal, 1, 6), el("rate", decimal, 1, 9), el("uom", text, 2, 2), el("quantity", decimal, 1, 15), el("quantity", decimal, 1, 15), el("handling", text, 2, 2), el("reference", text, 1, 30), el("option", text, 1, 20), el("description", text, 1, 80), el("language", text, 2, 3)},
	"N9":  {req("reference qualifier", text, 2, 3), el("reference", text, 1, 30), el("description", text, 1, 45), el("date", date, 8, 8), el("time", clock, 4, 8), el("time code", text, 2, 2), el("reference identifier", text, 1, 80)},
	"MSG": {req("message", text, 1, 264), el("printer control", text, 2, 2), el("number", integer, 1, 9)},
	"MAN": {req("marks qualifier", text, 1, 2), req("marks", text, 1, 48), el("marks", text, 1, 48), el("marks qualifier", text, 1, 2), el("marks", text, 1, 48), el("marks", text, 1, 48)},
	"N1":  {req("party role", text, 2, 3), el("name", text, 1, 60), el("identifier qualifier", text, 1, 2), el("identifier", text, 2, 80), el("relationship", text, 2, 2), el("party role", text, 2, 3)},
	"N2":  {req("name", text, 1, 60), el("name", text, 1, 60)},
	"N3":  {req("address", text, 1, 55), el("address", text, 1, 55)},
	"N4":  {el("city", text, 2, 30), el("state", text, 2, 2), el("postal code", text, 3, 15), el("country", text, 2, 3), el("location qualifier", text, 1, 2), el("location", text, 1, 30)},
	"PO1": append([]element{el("line number", text, 1, 20), el("quantity", decimal, 1, 15), el("unit of measure", text, 2, 2), el("unit price", decimal, 1, 17), el("price basis", text, 2, 2)}, productIDs(10)...),
	"PID": {req("description type", text, 1, 1), el("characteristic", text, 2, 3), el("agency", text, 2, 2), el("description code", text, 1, 12), el("description", text, 1, 80), el("surface", text, 2, 2), el("source", text, 1, 15), el("yes or no", text, 1, 1), el("language", text, 2, 3)},
	"PO4": {el("pack", integer, 1, 6), el("size", decimal, 1, 8), el("uom", text, 2, 2), el("packaging", text, 3, 5), el("weight qualifier", text, 1, 2), el("weight", decimal, 1, 9), el("uom", text, 2, 2), el("volume", decimal, 1, 9), el("uom", text, 2, 2), el("length", decimal, 1, 8), el("width", decimal, 1, 8), el("height", decimal, 1, 8), el("uom", text, 2, 2), el("inner pack", integer, 1, 6)},
	"CTP": {el("trade class", text, 2, 2), el("price", text, 3, 3), el("unit price", decimal, 1, 17), el("quantity", decimal, 1, 15), el("uom", text, 2, 10)},
	"SDQ": append([]element{req("uom", text, 2, 2), el("identifier qualifier", text, 1, 2)}, productIDs(10)...),
	"ACK": {req("line status", text, 2, 2).of("AC AR BP DR IA IB IC ID IE IF IH IP IQ IR IS IW R1 R2 R3 R4 R5 R6 R7 R8 SP"), el("quantity", decimal, 1, 15), el("unit of measure", text, 2, 2), el("date qualifier", text, 3, 3), el("date", date, 8, 8), el("request reference", text, 1, 45)},
	"LIN": append([]element{el("line number", text, 1, 20)}, productIDs(15)...),
	"QTY": {req("quantity qualifier", text, 2, 2), el("quantity", decimal, 1, 15), el("unit of measure", text, 2, 10), el("free form", text, 1, 30)},
	"UIT": {req("unit of measure", text, 2, 10), el("unit price", decimal, 1, 17), el("price basis", text, 2, 2)},
	"SCH": {req("quantity", decimal, 1, 15), req("uom", text, 2, 2), el("party role", text, 2, 3), el("name", text, 1, 60), req("date qualifier", text, 3, 3), req("date", date, 8, 8), el("time", clock, 4, 8)},
	"LDT": {req("lead time", text, 2, 2), req("quantity", decimal, 1, 15), req("unit of time", text, 2, 2), el("date", date, 8, 8)},
	"CTT": {req("line count", integer, 1, 6), el("hash total", decimal, 1, 10), el("weight", decimal, 1, 10), el("uom", text, 2, 2), el("volume", decimal, 1, 8), el("uom", text, 2, 2), el("description", text, 1, 80)},
	"AMT": {req("amount qualifier", text, 1, 3), req("amount", decimal, 1, 18), el("credit or debit", text, 1, 1)},
	"AK1": {req("functional identifier", text, 2, 2), req("group control number", integer, 1, 9)},
	"AK2": {req("set identifier", text, 3, 3), req("set control number", text, 4, 9)},
	"AK3": {req("segment", text, 2, 3), req("segment position", integer, 1, 6), el("loop", text, 1, 6), el("error", text, 1, 3).of("1 2 3 4 5 6 7 8")},
	"AK4": {req("position in segment", text, 1, 10), el("data element", integer, 1, 4), req("error", text, 1, 3), el("bad data", text, 1, 99)},
	"AK5": {req("set acknowledgement", text, 1, 1).of("A E M R W X"), el("error", text, 1, 3), el("error", text, 1, 3), el("error", text, 1, 3), el("error", text, 1, 3), el("error", text, 1, 3)},
	"AK9": {req("group acknowledgement", text, 1, 1).of("A E M P R W X"), req("sets included", integer, 1, 6), req("sets received", integer, 1, 6), req("sets accepted", integer, 1, 6), el("error", text, 1, 3), el("error", text, 1, 3), el("error", text, 1, 3), el("error", text, 1, 3), el("error", text, 1, 3)},
}

// pairs are elements that are used together or not at all (relational
// condition P of the standard).
var pairs = map[string][][2]int{
	"N1":  {{3, 4}},
	"PO1": {{6, 7}, {8, 9}, {10, 11}, {12, 13}, {14, 15}},
	"LIN": {{2, 3}, {4, 5}, {6, 7}, {8, 9}},
	"PER": {{3, 4}, {5, 6}, {7, 8}},
	"ACK": {{2, 3}},
}

func seg(tag string, max int, loop ...node) node { return node{tag: tag, max: max, loop: loop} }
func must(tag string, max int, loop ...node) node {
	return node{tag: tag, required: true, max: max, loop: loop}
}

var party = seg("N1", 200, seg("N2", 2), seg("N3", 2), seg("N4", many), seg("REF", 12), seg("PER", many))

// grammars are the sets, without ST and SE.
var grammars = map[string][]node{
	"850": {
		must("BEG", 1), seg("CUR", 1), seg("REF", many), seg("PER", 3), seg("FOB", many), seg("SAC", 25), seg("ITD", many), seg("DTM", 10), seg("TD5", 12), seg("MAN", 10),
		seg("N9", 1000, seg("DTM", many), seg("MSG", 1000)), party,
		must("PO1", 100000, seg("CTP", many), seg("PID", 1000), seg("PO4", many), seg("REF", many), seg("SAC", 25), seg("SDQ", 500), seg("DTM", 10), seg("TD5", 12), seg("SCH", 200), seg("N9", 1000, seg("MSG", 1000)), party),
		seg("CTT", 1, seg("AMT", 1)),
	},
	"855": {
		must("BAK", 1), seg("CUR", 1), seg("REF", many), seg("PER", 3), seg("FOB", many), seg("ITD", many), seg("DTM", 10), seg("TD5", 12), seg("N9", 1000, seg("MSG", 1000)), party,
		seg("PO1", 100000, seg("CTP", many), seg("PID", 1000), seg("REF", many), seg("ACK", 104, seg("DTM", 1)), seg("SCH", 200), seg("DTM", 10), party),
		seg("CTT", 1, seg("AMT", 1)),
	},
	"846": {
		must("BIA", 1), seg("CUR", 1), seg("DTM", 10), seg("REF", 12), seg("PER", 3), party,
		must("LIN", 10000, seg("PID", 200), seg("DTM", 10), seg("CTP", many), seg("REF", many), seg("UIT", 12), seg("QTY", 99, seg("UIT", 12), seg("DTM", 10), seg("LDT", 12)), seg("SCH", 25), party),
		seg("CTT", 1),
	},
	"997": {
		must("AK1", 1), seg("AK2", 999999, seg("AK3", 999999, seg("AK4", 99)), must("AK5", 1)), must("AK9", 1),
	},
}
