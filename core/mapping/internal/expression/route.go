package expression

import (
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// OverDocument checks an expression over one document, which is src and also out.
func OverDocument(text string, shape *schema.Schema) (*program.Expression, error) {
	sc, prov, err := NewScope(shape, shape, language.DefaultSettings)
	if err != nil {
		return nil, err
	}
	e, _, problems := Compile(text, sc, prov)
	if len(problems) > 0 {
		parts := make([]string, len(problems))
		for i, p := range problems {
			parts[i] = fmt.Sprintf("column %d: %s", p.Offset+1, p.Message)
			if p.Hint != "" {
				parts[i] += " (" + p.Hint + ")"
			}
		}
		return nil, fmt.Errorf("the expression %q cannot be used: %s", text, strings.Join(parts, "; "))
	}
	return e, nil
}
