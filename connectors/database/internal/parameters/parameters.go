// Package parameters finds the named parameters in SQL text: :name, :a.b,
// :{/path/in/document} and :@id, each with a question mark behind it where it
// may be missing.
//
// A parser of SQL would have to know three dialects. This one knows only what is
// not a parameter: text in quotes and comments, dollar quoting, PostgreSQL's
// casts (::text), array slices and assignments (:=). Everything else is passed on
// as it was written, and the database judges it.
package parameters

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
)

// Statement is SQL text cut at its named parameters.
type Statement struct {
	pieces []string // one more than params
	params []Parameter
}

// Parameter is one :name in a statement.
type Parameter struct {
	// Text is what stands after the colon, without braces and question mark:
	// "customer.name", "@id", or a JSON Pointer, which begins with a slash.
	Text string
	// Path is where the value stands: from the root of the document when Text is
	// a JSON Pointer, else from the item that the statement is run for. It is
	// empty for what begins with @.
	Path jsonpointer.Pointer
	// Optional says that a missing field is NULL and not an error (:name?).
	Optional bool
}

// At is the parameter at a JSON Pointer, which begins with a slash.
func At(pointer string) (Parameter, error) {
	path, err := jsonpointer.Parse(pointer)
	if err != nil || path == nil {
		return Parameter{}, fmt.Errorf("%q is no JSON Pointer, expected such as /lines", pointer)
	}
	return Parameter{Text: pointer, Path: path}, nil
}

// Parse cuts SQL at its parameters. It fails, with line and column, for text in
// quotes or a comment that does not end, for a path that is no JSON Pointer and
// where databases disagree on where a text ends.
func Parse(sql string) (*Statement, error) {
	p := &parser{sql: sql, out: &Statement{}}
	for p.pos < len(sql) {
		if err := p.step(); err != nil {
			return nil, err
		}
	}
	p.out.pieces = append(p.out.pieces, sql[p.start:])
	return p.out, nil
}

type parser struct {
	sql   string
	pos   int // next byte to read
	start int // where the current piece of text begins
	out   *Statement
}

func (p *parser) step() error {
	rest := p.sql[p.pos:]
	switch c := rest[0]; {
	case c == '\'' || c == '"' || c == '`':
		return p.quoted(c)
	case strings.HasPrefix(rest, "--"):
		p.skipLine()
	case strings.HasPrefix(rest, "/*"):
		return p.skipTo("*/", "a comment /*")
	case c == '$':
		return p.dollar()
	case strings.HasPrefix(rest, "::"), strings.HasPrefix(rest, ":="):
		p.pos += 2
	case strings.HasPrefix(rest, ":{"):
		return p.pointer()
	case c == ':' && !p.afterWord():
		p.name()
	default:
		p.pos++
	}
	return nil
}

// afterWord says that the colon belongs to what stands before it, as in an array
// slice [1:n] or a label a:b.
func (p *parser) afterWord() bool {
	if p.pos == 0 {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(p.sql[:p.pos])
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// quoted skips text in quotes. A doubled quote stands for itself; so does one
// behind a backslash in E'…' of PostgreSQL and in MySQL, but a backslash at the
// end of a standard text ends it. Where both readings are possible the text is
// refused, because a wrong guess would let a parameter hide in it.
func (p *parser) quoted(quote byte) error {
	for i := p.pos + 1; i < len(p.sql); i++ {
		switch p.sql[i] {
		case '\\':
			if i+1 < len(p.sql) && p.sql[i+1] == quote && quote != '`' {
				return p.fail(i, "a backslash before a quote means different things to different databases: double the quote or use a parameter")
			}
		case quote:
			if i+1 < len(p.sql) && p.sql[i+1] == quote {
				i++
				continue
			}
			p.pos = i + 1
			return nil
		}
	}
	return p.fail(p.pos, "text that begins with %c does not end", quote)
}

func (p *parser) skipLine() {
	if i := strings.IndexByte(p.sql[p.pos:], '\n'); i >= 0 {
		p.pos += i + 1
		return
	}
	p.pos = len(p.sql)
}

func (p *parser) skipTo(end, what string) error {
	i := strings.Index(p.sql[p.pos+len(end):], end)
	if i < 0 {
		return p.fail(p.pos, "%s does not end", what)
	}
	p.pos += len(end) + i + len(end)
	return nil
}

// dollar skips PostgreSQL's $tag$ text $tag$. A lone dollar sign is passed over.
func (p *parser) dollar() error {
	i := strings.IndexByte(p.sql[p.pos+1:], '$')
	if i < 0 || p.afterWord() || !isTag(p.sql[p.pos+1:p.pos+1+i]) {
		p.pos++
		return nil
	}
	tag := p.sql[p.pos : p.pos+i+2]
	end := strings.Index(p.sql[p.pos+len(tag):], tag)
	if end < 0 {
		return p.fail(p.pos, "text that begins with %s does not end", tag)
	}
	p.pos += len(tag) + end + len(tag)
	return nil
}

func isTag(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return true
}

// pointer reads :{/a/b}.
func (p *parser) pointer() error {
	end := strings.IndexByte(p.sql[p.pos:], '}')
	if end < 0 {
		return p.fail(p.pos, "a parameter :{ does not end, expected :{/path/in/document}")
	}
	text := p.sql[p.pos+2 : p.pos+end]
	par, err := At(text)
	if err != nil {
		return p.fail(p.pos, "parameter :{%s} is no JSON Pointer, expected :{/path/in/document}", text)
	}
	p.emit(par, p.pos+end+1)
	return nil
}

// name reads :name, :a.b and :@id. A colon without a name is left alone.
func (p *parser) name() {
	i := p.pos + 1
	if i < len(p.sql) && p.sql[i] == '@' {
		i++
	}
	first := i
	for i < len(p.sql) {
		r, n := utf8.DecodeRuneInString(p.sql[i:])
		dot := r == '.' && i > first && i+1 < len(p.sql) && isNameStart(p.sql[i+1:])
		if !dot && r != '_' && !unicode.IsLetter(r) && (i == first || !unicode.IsDigit(r)) {
			break
		}
		i += n
	}
	if i == first {
		p.pos++
		return
	}
	par := Parameter{Text: p.sql[p.pos+1 : i]}
	if par.Text[0] != '@' {
		par.Path = strings.Split(par.Text, ".")
	}
	p.emit(par, i)
}

func isNameStart(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r == '_' || unicode.IsLetter(r)
}

func (p *parser) emit(par Parameter, end int) {
	p.out.pieces = append(p.out.pieces, p.sql[p.start:p.pos])
	if end < len(p.sql) && p.sql[end] == '?' {
		par.Optional = true
		end++
	}
	p.out.params = append(p.out.params, par)
	p.pos, p.start = end, end
}

func (p *parser) fail(at int, format string, args ...any) error {
	line := 1 + strings.Count(p.sql[:at], "\n")
	col := at - strings.LastIndexByte(p.sql[:at], '\n')
	return fmt.Errorf("line %d, column %d of the SQL: %s", line, col, fmt.Sprintf(format, args...))
}

// Parameters returns the parameters in order of appearance, one for each time
// that a name is written.
func (s *Statement) Parameters() []Parameter { return s.params }

// Render writes the SQL with a placeholder for each parameter; n counts from 1
// in order of appearance. A name that is written twice has two placeholders,
// because not every database can refer to one a second time.
func (s *Statement) Render(placeholder func(n int) string) string {
	var sb strings.Builder
	for i, piece := range s.pieces {
		sb.WriteString(piece)
		if i < len(s.params) {
			sb.WriteString(placeholder(i + 1))
		}
	}
	return sb.String()
}
