package sftp

import (
	"strings"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
)

// place is where a value stands in a record: a JSON pointer, or the name of a
// column, which has no slash.
func place(name string) (jsonpointer.Pointer, error) {
	if strings.HasPrefix(name, "/") {
		return jsonpointer.Parse(name)
	}
	return jsonpointer.Pointer{name}, nil
}

// plainText gives the value at a place of a decoded record; empty when there is
// none, or none that is text, a number or a boolean.
func plainText(doc any, at jsonpointer.Pointer) string {
	value, _ := at.Find(doc)
	text, _ := jsonpointer.Text(value)
	return text
}
