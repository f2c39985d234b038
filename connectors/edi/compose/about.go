package compose

import (
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
)

// Set tells which set a document is: the identifier that it names
// (transaction.set), and the member that holds the set. Either is empty when there
// is none, or when several members could be meant.
func (d *Document) Set() (id, member string) {
	for i := range d.root.members {
		switch name := d.root.members[i].value.name; name {
		case "interchange", "group", "transaction":
		default:
			if member != "" {
				return d.transaction("set"), ""
			}
			member = name
		}
	}
	return d.transaction("set"), member
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
