package check

import (
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Expression checks an expression over one document, which is src and also out.
func Expression(text string, shape *schema.Schema) (*program.Expression, error) {
	sc, prov, err := newScope(shape, shape, language.DefaultSettings)
	if err != nil {
		return nil, err
	}
	e, _, problems := compileExpression(text, sc, prov)
	if len(problems) > 0 {
		parts := make([]string, len(problems))
		for i, p := range problems {
			parts[i] = fmt.Sprintf("column %d: %s", p.offset+1, p.message)
			if p.hint != "" {
				parts[i] += " (" + p.hint + ")"
			}
		}
		return nil, fmt.Errorf("the expression %q cannot be used: %s", text, strings.Join(parts, "; "))
	}
	return e, nil
}
