// Package sef reads SEF files, the Standard Exchange Format in which licensees of
// a standard and trading partners hand on transaction sets and messages, and
// makes grammar files of them.
//
// A SEF file is text in sections. .SETS has the table of every set, .SEGS the
// elements of every segment, .COMS those of composites, .ELMS types and lengths,
// .CODES the code lists; .TEXT has titles and notes, from which members of
// documents get their names. What a partner does not use is marked (usage marks,
// masks, subsets of codes); the import takes the structure as the standard has
// it, and an overlay says what the partner asks (see connectors/edi/grammars).
//
// The import is strict: what it does not understand is an error with its line and
// column. With [Options.Lenient] that is left out, and noted.
package sef

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// MaxFile bounds a file, in bytes.
const MaxFile = 32 << 20

// Options say how to import.
type Options struct {
	// Lenient leaves out what is not understood instead of failing.
	Lenient bool
	// Name and Group give a set the name that its documents have, and its GS01; nil
	// or an empty name is set_850.
	Known func(std syntax.Standard, set string) (name, group string)
}

// Result is what an import makes.
type Result struct {
	Standard syntax.Standard
	Release  string // 004010, D96A
	Title    string
	Sets     []string
	// Files are grammar files by their path in a folder of grammars.
	Files map[string][]byte
	// Notes say what the file has and grammars do not, and what was left out.
	Notes []string
}

// Import reads a file; name is what messages call it. The error lists what is not
// understood, at most 100 places.
func Import(name string, data []byte, o Options) (*Result, error) {
	f := &file{name: name, lenient: o.Lenient, texts: map[string]string{}}
	if err := f.legible(data); err != nil {
		return nil, err
	}
	f.sections(data)
	if f.release == "" && len(f.problems) == 0 {
		f.fatal(1, 1, "the section .INI is missing: it says which standard and version the file is of")
	}
	f.resolve()
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.result(o), nil
}

func (f *file) legible(data []byte) error {
	switch {
	case len(data) > MaxFile:
		return fmt.Errorf("%s: %d bytes are more than the limit of %d", f.name, len(data), MaxFile)
	case bytes.IndexByte(data, 0) >= 0 || !bytes.Contains(data, []byte(".INI")) && !utf8.Valid(data):
		return fmt.Errorf("%s is no text: some tools store SEF files packed or encrypted; export it as SEF text there", f.name)
	}
	return nil
}

// file is a SEF file being read.
type file struct {
	name     string
	lenient  bool
	problems []error
	hard     bool // a problem that lenient does not help
	notes    []string

	std      syntax.Standard
	release  string
	title    string
	sets     []*set
	segments []*segment
	coms     []*segment
	elements []*element
	lists    []*element        // code lists
	texts    map[string]string // titles by section and id: ELMS 353

	segmentOf map[string]*segment
	comOf     map[string]*segment
	elementOf map[string]*element
	codes     int // of all elements

	partnerMarks, codeSubsets, partLists, comRules int
}

const maxProblems = 100

// problem reports what is not understood: an error, or a note when lenient.
func (f *file) problem(line, col int, format string, args ...any) {
	text := fmt.Sprintf("%s:%d:%d: %s", f.name, line, col, fmt.Sprintf(format, args...))
	switch {
	case !f.lenient && len(f.problems) < maxProblems:
		f.problems = append(f.problems, errors.New(text))
	case f.lenient && len(f.notes) < maxProblems:
		f.notes = append(f.notes, text+"; left out")
	}
}

// fatal reports what no import can go on with.
func (f *file) fatal(line, col int, format string, args ...any) {
	f.hard = true
	if len(f.problems) < maxProblems {
		f.problems = append(f.problems, fmt.Errorf("%s:%d:%d: %s", f.name, line, col, fmt.Sprintf(format, args...)))
	}
}

func (f *file) err() error {
	if !f.lenient && len(f.problems) > 0 || f.hard {
		return errors.Join(f.problems...)
	}
	return nil
}

// sectionForm tells the head of a section from the data of one.
var sectionForm = regexp.MustCompile(`^\.([A-Z]+(?:,[A-Z]+)?)(?:[ \t].*)?$`)

// sections goes through the lines.
func (f *file) sections(data []byte) {
	section, private := "", false
	for number := 1; len(data) > 0; number++ {
		var raw []byte
		raw, data, _ = bytes.Cut(data, []byte("\n"))
		line := strings.TrimRight(string(raw), "\r \t\x1a")
		if line == "" || line[0] == '*' {
			continue
		}
		if m := sectionForm.FindStringSubmatch(line); m != nil {
			private = m[1] == "PRIVATE" || private && m[1] != "PUBLIC"
			if section = m[1]; !private {
				f.head(number, section)
			}
			continue
		}
		if !private {
			f.line(number, section, line)
		}
	}
}

// silent are sections whose content does not shape documents.
const silent = " VER STD PUBLIC PRIVATE CTL TDVER DATE VALREFS VALLISTS OBJVARS SEMREFS "

func (f *file) head(number int, section string) {
	known := strings.Contains(silent+"INI SETS SEGS COMS ELMS CODES ", " "+section+" ") || strings.HasPrefix(section, "TEXT,")
	if !known {
		f.problem(number, 1, "there is no section .%s in SEF", section)
	}
}

func (f *file) line(number int, section, line string) {
	switch {
	case section == "":
		f.problem(number, 1, "this stands before the first section; a SEF file begins with .VER or .INI")
		return
	case section == "INI":
		f.ini(number, line)
		return
	case strings.HasPrefix(section, "TEXT,"):
		f.text(section[len("TEXT,"):], line)
		return
	case !strings.Contains(" SETS SEGS COMS ELMS CODES ", " "+section+" "):
		return
	}
	id, rest, found := strings.Cut(line, "=")
	if !found || !idForm.MatchString(id) {
		f.problem(number, 1, "a line of .%s begins with a name and =; long lines must not be wrapped", section)
		return
	}
	c := &cursor{f: f, line: number, text: line, at: len(line) - len(rest)}
	switch section {
	case "SETS":
		f.set(c, id)
	case "SEGS":
		f.segment(c, id, &f.segments)
	case "COMS":
		f.segment(c, id, &f.coms)
	case "ELMS":
		f.element(c, id)
	case "CODES":
		f.codeList(c, id)
	}
}

var (
	idForm      = regexp.MustCompile(`^[A-Z0-9]{1,6}$`)
	x12Release  = regexp.MustCompile(`^\d{6}$`)
	unRelease   = regexp.MustCompile(`^[A-Z0-9]{2,8}$`)
	titleOfText = regexp.MustCompile(`^([A-Z0-9]{1,6}),0,(.*)$`)
)

// ini reads what the file is of: name, reserved, version and release, agency,
// standard, title.
func (f *file) ini(number int, line string) {
	fields := strings.SplitN(line, ",", 6)
	if f.release != "" || len(fields) < 4 {
		f.problem(number, 1, ".INI has one line: name,,version and release,agency,standard,title")
		return
	}
	if len(fields) == 6 {
		f.title = strings.TrimSpace(fields[5])
	}
	version := strings.Fields(fields[2])
	joined := strings.ToUpper(strings.Join(version[:min(2, len(version))], ""))
	switch agency := strings.TrimSpace(fields[3]); agency {
	case "X":
		f.std = syntax.X12
		if !x12Release.MatchString(joined) {
			f.fatal(number, 1, "%q is no version and release of X12, such as 004 010", fields[2])
			return
		}
	case "UN":
		f.std = syntax.EDIFACT
		if !unRelease.MatchString(joined) {
			f.fatal(number, 1, "%q is no version and release of EDIFACT, such as D 96A", fields[2])
			return
		}
	default:
		f.fatal(number, 1, "the agency %q is neither X (X12) nor UN (EDIFACT)", agency)
		return
	}
	f.release = joined
}

// text keeps the titles of sets, segments, composites and elements; notes and
// texts of single places shape no document.
func (f *file) text(section, line string) {
	if m := titleOfText.FindStringSubmatch(line); m != nil {
		f.texts[section+" "+m[1]] = m[2]
	}
}
