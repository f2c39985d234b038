package compose

import (
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
)

// Member is the name of the member that holds the set; empty when there is none,
// or when several could be meant.
func (d *Document) Member() string {
	member := ""
	for i := range d.root.members {
		switch name := d.root.members[i].value.name; name {
		case "interchange", "group", "transaction":
		default:
			if member != "" {
				return ""
			}
			member = name
		}
	}
	return member
}

// Key is what people know the document by, as the set's grammar says; empty when
// it has none.
func (d *Document) Key(set *grammar.Set) string {
	v := d.root.get(set.Name)
	for name := range strings.SplitSeq(set.Key, ".") {
		v = v.get(name)
	}
	if v == nil || v.kind != text && v.kind != number {
		return ""
	}
	return v.text
}

// Rejected tells that the document was read from a set with defects that reject
// it.
func (d *Document) Rejected() bool { return d.rejected() }
