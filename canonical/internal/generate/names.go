package main

import (
	"strings"
	"unicode"
)

// initialisms are written in capitals in Go names.
var initialisms = map[string]string{
	"id": "ID", "ids": "IDs", "uom": "UOM", "atp": "ATP", "scac": "SCAC", "erp": "ERP", "rma": "RMA", "url": "URL",
}

// goName turns "orderNumber", "Order line" or "marketplace-fc" into OrderNumber,
// OrderLine, MarketplaceFc.
func goName(s string) string {
	var sb strings.Builder
	for _, w := range words(s) {
		w = strings.ToLower(w)
		if up, ok := initialisms[w]; ok {
			sb.WriteString(up)
			continue
		}
		sb.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return sb.String()
}

// words splits at spaces, punctuation and lower-to-upper changes.
func words(s string) []string {
	var out []string
	var cur []rune
	flush := func() {
		if len(cur) > 0 {
			out = append(out, string(cur))
			cur = nil
		}
	}
	var prev rune
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
		case unicode.IsUpper(r) && unicode.IsLower(prev):
			flush()
			cur = append(cur, r)
		default:
			cur = append(cur, r)
		}
		prev = r
	}
	flush()
	return out
}

// comment wraps text as a Go comment of at most 80 columns.
func comment(indent, text string) string {
	var sb strings.Builder
	line := indent + "//"
	for _, w := range strings.Fields(text) {
		if len(line)+1+len(w) > 80 {
			sb.WriteString(line + "\n")
			line = indent + "//"
		}
		line += " " + w
	}
	sb.WriteString(line + "\n")
	return sb.String()
}

// sentence makes a doc comment of a description: "A place that holds stock."
// becomes "Location is a place that holds stock."
func sentence(name, doc string) string {
	verb := "holds"
	first, _, _ := strings.Cut(doc, " ")
	switch first {
	case "A", "An", "The", "One":
		verb = "is"
	case "When", "Where", "What", "How", "Which", "Who", "Whether", "Whose", "For":
		verb = "says"
	}
	if len(doc) > 1 && (first == "A" || !unicode.IsUpper(rune(doc[1]))) {
		doc = strings.ToLower(doc[:1]) + doc[1:]
	}
	return name + " " + verb + " " + doc
}
