package draft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/specification"
)

// conversion is the rule that makes the target's type of a member of the source.
func (d *drafter) conversion(to *specification.Member, place string, from *leaf) string {
	f := from.member
	switch {
	case len(to.Enum) > 0:
		return fmt.Sprintf("{from: %s, map: %s}", from.expr, d.codelist(to, place, f))
	case isTime(to) && f.Format != to.Format:
		return fmt.Sprintf("{from: %s, date: %s}", from.expr, quoted(dateForm(f)))
	case to.Type == specification.TypeText && decimal(to):
		return fmt.Sprintf("{from: %s, decimal: any}", from.expr)
	case to.Type == specification.TypeText && f.Type != specification.TypeText && f.Type != specification.TypeAny:
		return "string(" + from.expr + ")"
	case to.Type == specification.TypeInteger && f.Type != specification.TypeInteger && f.Type != specification.TypeAny:
		return "int(" + from.expr + ")"
	case to.Type == specification.TypeNumber && f.Type == specification.TypeText:
		return fmt.Sprintf("{from: %s, decimal: any}", from.expr)
	}
	return from.expr
}

// decimal tells that a text holds a decimal number.
func decimal(m *specification.Member) bool { return strings.HasPrefix(m.Pattern, "^-?(0|[1-9][0-9]") }

// dateForm is how a date of the source is written, as far as its schema says it.
func dateForm(m *specification.Member) string {
	switch m.Format {
	case "date-time":
		return "yyyy-MM-dd'T'HH:mm:ssXXX"
	case "date", "":
		if form, ok := strings.CutPrefix(m.Title, dateTitle); ok {
			return form
		}
	}
	return "yyyy-MM-dd"
}

// codelist adds a list with the codes that both sides know, and returns its name.
func (d *drafter) codelist(to *specification.Member, place string, from *specification.Member) string {
	name := strings.Map(func(r rune) rune {
		if r == '[' || r == ']' {
			return -1
		}
		return r
	}, place[strings.LastIndex(place, ".")+1:])
	for i := 2; slices.Contains(d.lists, name); i++ {
		name = fmt.Sprintf("%s%d", strings.TrimRight(name, "0123456789"), i)
	}
	d.lists = append(d.lists, name)
	var b strings.Builder
	fmt.Fprintf(&b, "  %s:  # the target knows %s\n", key(name), strings.Join(to.Enum, ", "))
	codes, remark := from.Enum, "guess: the codes look alike"
	if len(codes) == 0 {
		codes, remark = to.Enum, "guess: write the source's code on the left"
	}
	for _, c := range codes {
		best, score := "", 0.0
		for _, t := range to.Enum {
			if s := overlap(words(c), words(t)); s > score || strings.EqualFold(c, t) {
				best, score = t, max(s, 0.01)
			}
		}
		if best == "" {
			fmt.Fprintf(&b, "    # %s: which of them?\n", code(c))
			continue
		}
		fmt.Fprintf(&b, "    %s: %s  # %s\n", code(c), quoted(best), remark)
	}
	d.codes = append(d.codes, b.String())
	return key(name)
}

func code(c string) string { return "'" + strings.ReplaceAll(c, "'", "''") + "'" }

// schemes are kinds of identifiers with the words that name them, the most
// special first.
var schemes = []struct {
	scheme string
	names  []string // normal forms of words that must all be there
	expr   string
}{
	{"gtin", []string{"gtin"}, "gtin14(%s)"},
	{"gtin", []string{"gtin14"}, "%s"},
	{"gtin", []string{"gtin13"}, "gtin14(%s)"},
	{"gtin", []string{"gtin12"}, "gtin14(%s)"},
	{"gtin", []string{"ean"}, "gtin14(%s)"},
	{"gtin", []string{"ean13"}, "gtin14(%s)"},
	{"gtin", []string{"barcode"}, "gtin14(%s)"},
	{"upc", []string{"upc"}, "%s"},
	{"gln", []string{"gln"}, "%s"},
	{"sscc", []string{"sscc"}, "%s"},
	{"isbn", []string{"isbn"}, "%s"},
	{"asin", []string{"asin"}, "%s"},
	{"mpn", []string{"mpn"}, "%s"},
	{"duns", []string{"duns"}, "%s"},
	{"vat", []string{"vat", "number"}, "%s"},
	{"vendor", []string{"seller", "product"}, "%s"},
	{"buyer", []string{"buyer", "product"}, "%s"},
	{"sku", []string{"sku"}, "%s"},
	{"sku", []string{"product", "number"}, "%s"},
	{"tracking", []string{"tracking"}, "%s"},
	{"tracking", []string{"tracking", "number"}, "%s"},
}

// productSchemes are those that name a product; others name parties and parcels.
var productSchemes = []string{"gtin", "upc", "isbn", "asin", "mpn", "vendor", "buyer", "sku"}

// entry is an identifier of the source.
type entry struct {
	leaf         *leaf
	scheme, expr string
}

// identifiers are the members of the source that name the thing that the list at
// place belongs to.
func identifiers(place string, s *scope) []entry {
	product := strings.Contains(strings.ToLower(place), "product")
	var out []entry
	for _, l := range s.leaves {
		if l.outer || l.member.Type != specification.TypeText && l.member.Type != specification.TypeInteger {
			continue
		}
		for _, sc := range schemes {
			if len(sc.names) != len(l.own) || overlap(sc.names, l.own) < 1 || slices.Contains(productSchemes, sc.scheme) != product {
				continue
			}
			expr := l.expr
			if l.member.Type == specification.TypeInteger {
				expr = "string(" + expr + ")"
			}
			out = append(out, entry{l, sc.scheme, fmt.Sprintf(sc.expr, expr)})
			break
		}
	}
	return out
}

// isIdentifiers tells whether a list has items of scheme and value.
func isIdentifiers(m *specification.Member) bool {
	return m.Item.Member("scheme") != nil && m.Item.Member("value") != nil
}

func holdsIdentifiers(m *specification.Member, s *scope) bool {
	for _, k := range m.Members {
		if k.Type == specification.TypeList && isIdentifiers(k) && len(identifiers(m.Name, s)) > 0 {
			return strings.Contains(strings.ToLower(m.Name), "product")
		}
	}
	return false
}

// list writes the rule of a list.
func (d *drafter) list(k *specification.Member, place string, indent int, s *scope) {
	switch {
	case k.Item == nil:
		if k.Required {
			d.missing(indent, k.Name, false)
		}
	case isIdentifiers(k):
		d.identifiers(k, place, indent, s)
	case k.Item.Type == specification.TypeObject && len(k.Item.Members) > 0:
		d.each(k, place, indent, s)
	default:
		for _, l := range s.plain {
			if score := overlap(words(k.Name), l.own); score >= threshold && l.member.Item != nil && l.member.Item.Type == k.Item.Type {
				d.use(l)
				d.line(indent, key(k.Name), fmt.Sprintf("%s  # guess: %.2f by name", l.expr, score))
				return
			}
		}
		if k.Required {
			d.missing(indent, k.Name, false)
		}
	}
}

func (d *drafter) identifiers(k *specification.Member, place string, indent int, s *scope) {
	found := identifiers(place, s)
	if len(found) == 0 {
		if k.Required {
			d.missing(indent, k.Name, false)
		}
		return
	}
	d.line(indent, key(k.Name), "")
	pad := strings.Repeat("  ", indent+1)
	for _, e := range found {
		d.use(e.leaf)
		fields := fmt.Sprintf("fields: {scheme: {const: %s}, value: %s}  # guess: by name", e.scheme, e.expr)
		if e.leaf.member.Required {
			fmt.Fprintf(&d.out, "%s- %s\n", pad, fields)
			continue
		}
		fmt.Fprintf(&d.out, "%s- when: has(%s)\n%s  %s\n", pad, e.leaf.expr, pad, fields)
	}
}

// each finds the list of the source whose items look like those of the target.
func (d *drafter) each(k *specification.Member, place string, indent int, s *scope) {
	var best *list
	var score float64
	for _, l := range s.lists {
		if l.used {
			continue
		}
		inside := d.scope(l.member.Item, "x", "x")
		found := 0
		for _, g := range d.guesses(k.Item, inside) {
			if g.score >= threshold {
				found++
			}
		}
		// What the items have in common counts as much as the name.
		content := min(1, float64(found)/3)
		named := overlap(words(k.Name), l.own)
		if named == 0 && !k.Required {
			continue
		}
		if sc := (named + content) / 2; sc > score {
			best, score = l, sc
		}
	}
	if best == nil || score < 0.5 {
		if !k.Required && d.depth == 0 && d.one(k, place, indent, s) {
			return
		}
		if k.Required {
			d.missing(indent, k.Name, false)
		}
		return
	}
	best.used = true
	variable := "item"
	if d.depth > 0 {
		variable = fmt.Sprintf("item%d", d.depth+1)
	}
	inner := d.scope(best.member.Item, variable, best.path+"[]")
	for _, l := range s.leaves {
		outer := *l
		outer.outer = true
		inner.leaves = append(inner.leaves, &outer)
	}
	d.line(indent, key(k.Name), "")
	d.line(indent+1, "each", fmt.Sprintf("%s  # guess: %.2f by name and items", best.expr, score))
	d.line(indent+1, "as", variable)
	d.line(indent+1, "fields", "")
	d.depth++
	before := d.out.Len()
	d.object(k.Item, place+"[]", indent+2, inner)
	if d.out.Len() == before {
		d.missing(indent+2, k.Item.Members[0].Name, false)
	}
	d.depth--
}

// one writes a list with a single item, when the document itself tells enough
// about it: a shop's order has one address to ship to.
func (d *drafter) one(k *specification.Member, place string, indent int, s *scope) bool {
	above := d.above
	d.above = append(slices.Clone(above), words(k.Name)...)
	defer func() { d.above = above }()
	found := d.guesses(k.Item, s)
	const enough = 3
	n := 0
	for path := range found {
		// A name alone could be that of anything.
		if strings.Count(path, ".") > 1 {
			n++
		}
	}
	if n < enough {
		return false
	}
	d.line(indent, key(k.Name), " # guess: the document tells of one")
	d.out.WriteString(strings.Repeat("  ", indent+1) + "- fields:\n")
	d.depth++
	d.members(k.Item, "", place+"[]", indent+3, s, found)
	d.depth--
	return true
}

// convention writes what every canonical document says the same way, and tells
// whether it did.
func (d *drafter) convention(k *specification.Member, indent int, s *scope, found map[string]guess) bool {
	if d.Entity == "" {
		return false
	}
	switch k.Name {
	case "schema":
		d.line(indent, "schema", "{const: "+d.Entity+"/1.0}")
	case "entityVersion":
		d.line(indent, "entityVersion", "{const: 1}  # a counter of the source, if it has one")
	case "id":
		var number *leaf
		for _, g := range []string{".orderNumber", ".number", ".id"} {
			if f, ok := found[g]; ok && f.from.member.Type == specification.TypeText {
				number = f.from
				break
			}
		}
		if number == nil {
			return false
		}
		d.use(number)
		d.line(indent, "id", fmt.Sprintf(`'"%s:%s:" + %s'  # guess: the entity, the system and its number`, d.Entity, system(d.Name), number.expr))
	case "source":
		d.line(indent, "source", "{fields: {system: {const: "+quoted(system(d.Name))+"}, messageId: messageId}}")
	case "updatedAt":
		if _, ok := found[".updatedAt"]; ok {
			return false
		}
		if g, ok := found[".placedAt"]; ok {
			d.line(indent, "updatedAt", d.conversion(k, "updatedAt", g.from)+"  # guess: as placedAt; better when it last changed")
			return true
		}
		d.line(indent, "updatedAt", "now()  # when the message was received; better what the source says")
	case "ext":
	default:
		return false
	}
	return true
}

// system is the first word of a mapping's name.
func system(name string) string {
	first, _, _ := strings.Cut(name, "-")
	return first
}
