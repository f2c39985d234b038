package formats

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// The formats.
const (
	CSV    = "csv"
	JSON   = "json"
	NDJSON = "ndjson"
	XML    = "xml"
	Fixed  = "fixed"
)

// Options is the part of a connector's configuration that describes a format.
type Options struct {
	Format    string       `json:"format" doc:"Format of the files" required:"true" enum:"csv,json,ndjson,xml,fixed"`
	Encoding  string       `json:"encoding" doc:"Character encoding of the files; a byte order mark is accepted and removed" enum:"utf-8,latin1,windows-1252,utf-16" default:"utf-8"`
	MaxRecord int64        `json:"maxRecord" doc:"Largest record" format:"bytes" default:"4MiB"`
	CSV       CSVOptions   `json:"csv" doc:"Details of format csv"`
	JSON      JSONOptions  `json:"json" doc:"Details of format json"`
	XML       XMLOptions   `json:"xml" doc:"Details of format xml"`
	Fixed     FixedOptions `json:"fixed" doc:"Details of format fixed"`
}

// CSVOptions describes comma-separated values after RFC 4180.
type CSVOptions struct {
	Delimiter    string   `json:"delimiter" doc:"Character between cells; \\t for a tab" default:","`
	Quote        string   `json:"quote" doc:"Character around cells that contain the delimiter, itself doubled; none for files without quoting" default:"\""`
	Columns      []string `json:"columns" doc:"Column names in order. Without them the first line read is the header" example:"store,receipt,gtin"`
	SkipLines    int      `json:"skipLines" doc:"Lines to skip before anything is read: a title, or a header that columns replaces" min:"0"`
	Trim         bool     `json:"trim" doc:"Remove blanks around cells"`
	OmitEmpty    bool     `json:"omitEmpty" doc:"Leave empty cells out of the document instead of giving an empty string"`
	GroupBy      string   `json:"groupBy" doc:"Column whose consecutive equal values make one record: the columns of the first line, and all lines in the array rows. For orders and receipts with a line per article" example:"receipt"`
	GroupColumns []string `json:"groupColumns" doc:"Columns to lift to the top of a grouped record; they must be equal in all its lines. Without them all columns of the first line are lifted"`
	NoHeader     bool     `json:"noHeader" doc:"Write no header line" role:"sink"`
	LineEnd      string   `json:"lineEnd" doc:"Line end written" enum:"lf,crlf" default:"lf" role:"sink"`
}

// JSONOptions describes JSON documents.
type JSONOptions struct {
	Pointer string `json:"pointer" doc:"JSON pointer (RFC 6901) to the array whose elements are the records; empty: an array at the top gives its elements, anything else is one record" example:"/orders"`
	Array   bool   `json:"array" doc:"Write an array, also for a single record" role:"sink"`
}

// XMLOptions describes XML documents.
type XMLOptions struct {
	Record         string            `json:"record" doc:"Path of the element that is a record, from the root, by local names; empty: the root element is the one record" example:"Orders/Order"`
	Arrays         []string          `json:"arrays" doc:"Paths below the record of elements that may repeat; they are arrays also when they come once; //Line means every Line, //Lines/Line every one in Lines. Any other element that repeats is an error" example:"Lines/Line"`
	Objects        []string          `json:"objects" doc:"Paths below the record of elements that are objects with #text also when they have no attributes; // as for arrays" example:"Price"`
	MaxDepth       int               `json:"maxDepth" doc:"Deepest nesting accepted" default:"64" min:"1"`
	DocType        string            `json:"docType" doc:"Document type declaration written before the root element" role:"sink" example:"cXML SYSTEM \"http://xml.cxml.org/schemas/cXML/1.2.050/cXML.dtd\""`
	RootAttributes map[string]string `json:"rootAttributes" doc:"Attributes of the root element written, namespace declarations among them" role:"sink"`
}

// FixedOptions describes records of fixed-width columns, one per line.
type FixedOptions struct {
	Columns    []FixedColumn `json:"columns" doc:"The columns"`
	SkipLines  int           `json:"skipLines" doc:"Lines to skip before the first record" min:"0"`
	AllowShort bool          `json:"allowShort" doc:"Accept lines that end before the last column; what is missing is empty"`
	LineEnd    string        `json:"lineEnd" doc:"Line end written" enum:"lf,crlf" default:"lf" role:"sink"`
}

// FixedColumn is one column of a fixed-width record.
type FixedColumn struct {
	Name   string `json:"name" doc:"Name of the field" required:"true"`
	Start  int    `json:"start" doc:"First character, counted from 1" required:"true" min:"1"`
	Length int    `json:"length" doc:"Number of characters" required:"true" min:"1"`
	Align  string `json:"align" doc:"Side the value stands on: the padding is removed from, and written to, the other" enum:"left,right" default:"left"`
	Pad    string `json:"pad" doc:"Padding character" default:" "`
	Keep   bool   `json:"keep" doc:"Keep the padding when reading"`
}

func (o Options) withDefaults() Options {
	o.Encoding = cmp.Or(o.Encoding, "utf-8")
	o.MaxRecord = cmp.Or(o.MaxRecord, 4<<20)
	o.CSV.Delimiter = cmp.Or(o.CSV.Delimiter, ",")
	if o.CSV.Delimiter == `\t` || o.CSV.Delimiter == "tab" {
		o.CSV.Delimiter = "\t"
	}
	o.CSV.Quote = cmp.Or(o.CSV.Quote, `"`)
	o.XML.MaxDepth = cmp.Or(o.XML.MaxDepth, 64)
	return o
}

// Validate reports everything that is wrong, offline. role is source or sink.
func (o Options) Validate(role string) []error {
	o = o.withDefaults()
	var problems []error
	bad := func(field, format string, args ...any) {
		problems = append(problems, &sdk.Error{Class: sdk.BadConfig, Code: "format.config", Field: "/" + field, Err: fmt.Errorf(format, args...)})
	}
	if _, err := codec(o.Encoding); err != nil {
		bad("encoding", "%v", err)
	}
	switch o.Format {
	case CSV:
		o.CSV.validate(bad)
	case JSON:
		if _, err := jsonpointer.Parse(o.JSON.Pointer); err != nil {
			bad("json/pointer", "%w", err)
		}
	case NDJSON:
	case XML:
		if role == "sink" && o.XML.Record == "" {
			bad("xml/record", "writing XML needs the names of the elements: Order, or Orders/Order")
		}
		if root, _, _ := strings.Cut(strings.Trim(o.XML.Record, "/"), "/"); role == "sink" && o.XML.DocType != "" && !docType.MatchString(o.XML.DocType) {
			bad("xml/docType", "%q is no document type: write the name of the root element, and where its definition is, as in %s SYSTEM \"http://…\"", o.XML.DocType, root)
		}
	case Fixed:
		o.Fixed.validate(bad)
	case "":
		bad("format", "format is missing: csv, json, ndjson, xml or fixed")
	default:
		bad("format", "%q is no format: csv, json, ndjson, xml or fixed", o.Format)
	}
	return problems
}

// docType is what may stand in <!DOCTYPE …>: a name and an external identifier.
// Declarations in brackets are left out, since readers refuse them.
var docType = regexp.MustCompile(`^[A-Za-z_:][\w:.-]*( +SYSTEM +("[^"<>]*"|'[^'<>]*')| +PUBLIC +("[^"<>]*"|'[^'<>]*') +("[^"<>]*"|'[^'<>]*'))?$`)

func (o CSVOptions) validate(bad func(field, format string, args ...any)) {
	if len([]rune(o.Delimiter)) != 1 || strings.ContainsAny(o.Delimiter, "\r\n") {
		bad("csv/delimiter", "%q is not one character", o.Delimiter)
	}
	if o.Quote != "none" && (len([]rune(o.Quote)) != 1 || strings.ContainsAny(o.Quote, "\r\n")) {
		bad("csv/quote", "%q is not one character, nor none", o.Quote)
	}
	if o.Quote == o.Delimiter {
		bad("csv/quote", "quote and delimiter are the same character %q", o.Quote)
	}
	if name, twice := repeated(o.Columns); twice {
		bad("csv/columns", "the column %q is listed twice", name)
	}
	if o.GroupBy == "" && len(o.GroupColumns) > 0 {
		bad("csv/groupColumns", "groupColumns has no effect without groupBy")
	}
	if len(o.Columns) > 0 {
		for _, column := range append([]string{o.GroupBy}, o.GroupColumns...) {
			if column != "" && indexOf(o.Columns, column) < 0 {
				bad("csv/groupBy", "%q is not one of the columns %s", column, strings.Join(o.Columns, ", "))
			}
		}
	}
}

func (o FixedOptions) validate(bad func(field, format string, args ...any)) {
	if len(o.Columns) == 0 {
		bad("fixed/columns", "fixed width needs columns: name, start, length")
	}
	end := map[string]int{}
	for i, column := range o.Columns {
		field := fmt.Sprintf("fixed/columns/%d", i)
		switch {
		case column.Name == "":
			bad(field, "the column has no name")
		case column.Start < 1 || column.Length < 1:
			bad(field, "column %s: start and length count from 1", column.Name)
		case len([]rune(column.Pad)) > 1:
			bad(field, "column %s: pad %q is not one character", column.Name, column.Pad)
		case end[column.Name] > 0:
			bad(field, "the column %s is listed twice", column.Name)
		}
		for _, other := range o.Columns[:i] {
			if column.Start < other.Start+other.Length && other.Start < column.Start+column.Length {
				bad(field, "the columns %s and %s overlap", other.Name, column.Name)
			}
		}
		end[column.Name] = column.Start + column.Length
	}
}

func repeated(names []string) (string, bool) {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return name, true
		}
		seen[name] = true
	}
	return "", false
}

func indexOf(names []string, name string) int {
	for i, candidate := range names {
		if candidate == name {
			return i
		}
	}
	return -1
}

// Record is one decoded document.
type Record struct {
	JSON []byte
	// Index counts from 0 within the file, set-aside rows included.
	Index int
	// Line is where the record begins, from 1.
	Line int
	// Offset is where it begins, in bytes.
	Offset int64
}

// Decoder reads records.
type Decoder interface {
	// Next returns the next record, io.EOF after the last, or *Error. After an
	// *Error whose Row is set, Next may be called again and goes on behind the
	// broken row.
	Next() (Record, error)
}

// Encoder writes records. Errors are *Error or those of the writer.
type Encoder interface {
	Encode(doc []byte) error
	// Close writes what ends the file; it does not close the writer.
	Close() error
}

// Error says what is wrong with a file, and where.
type Error struct {
	File string
	// Line and Col count from 1; 0 when there is none.
	Line, Col int
	// Offset in bytes from the beginning of the text.
	Offset int64
	Reason string
	// Row says that only this record is lost; Index is its number and Content
	// its text.
	Row     bool
	Index   int
	Content []byte
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(cmp.Or(e.File, "input"))
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
		if e.Col > 0 {
			fmt.Fprintf(&b, ":%d", e.Col)
		}
	}
	fmt.Fprintf(&b, ": %s (byte %d)", e.Reason, e.Offset)
	return b.String()
}

// NewDecoder reads records from r; file names it in errors.
func NewDecoder(r io.Reader, file string, o Options) (Decoder, error) {
	if problems := o.Validate("source"); len(problems) > 0 {
		return nil, problems[0]
	}
	o = o.withDefaults()
	text, err := decodeText(r, o.Encoding)
	if err != nil {
		return nil, err
	}
	switch o.Format {
	case CSV:
		return newCSVDecoder(text, file, o), nil
	case JSON:
		return newJSONDecoder(text, file, o), nil
	case NDJSON:
		return newNDJSONDecoder(text, file, o), nil
	case XML:
		return newXMLDecoder(text, file, o), nil
	default:
		return newFixedDecoder(text, file, o), nil
	}
}

// NewEncoder writes records to w.
func NewEncoder(w io.Writer, o Options) (Encoder, error) {
	if problems := o.Validate("sink"); len(problems) > 0 {
		return nil, problems[0]
	}
	o = o.withDefaults()
	text := encodeText(w, o.Encoding)
	switch o.Format {
	case CSV:
		return newCSVEncoder(text, o.CSV), nil
	case JSON:
		return &jsonEncoder{w: text, array: o.JSON.Array}, nil
	case NDJSON:
		return &ndjsonEncoder{w: text}, nil
	case XML:
		return newXMLEncoder(text, o.XML), nil
	default:
		return newFixedEncoder(text, o.Fixed), nil
	}
}
