package partner

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"

	agreement "github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

//go:embed partner.yaml.tmpl
var partnerText string

//go:embed connection.yaml.tmpl
var connectionText string

// quoted is text as YAML has it in any place: JSON's quotes are YAML's.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return `""` // text can always be marshalled
	}
	return string(b)
}

// beside is a line with a comment, in the column of the others.
func beside(line, comment string) string { return fmt.Sprintf("%-32s # %s", line, comment) }

func party(i agreement.Identity) string {
	out := "{qualifier: " + quoted(i.Qualifier) + ", id: " + quoted(i.ID)
	if i.Qualifier == "" {
		out = "{id: " + quoted(i.ID)
	}
	if i.Group != "" {
		out += ", group: " + quoted(i.Group)
	}
	return out + "}"
}

var fileTemplates = template.Must(template.Must(template.New("partner").Funcs(template.FuncMap{"quoted": quoted, "party": party, "beside": beside}).Parse(partnerText)).New("connection").Parse(connectionText))

func (d *draft) render(name string) string {
	var b strings.Builder
	if err := fileTemplates.ExecuteTemplate(&b, name, d); err != nil {
		panic(fmt.Sprintf("the template %s: %v", name, err)) // it is part of the program
	}
	return b.String()
}

func (d *draft) partnerFile() string    { return d.render("partner") }
func (d *draft) connectionFile() string { return d.render("connection") }

// X12 and EDIFACT tell what the comments are to say.
func (d *draft) X12() bool { return d.Standard == "x12" }

// Folder tells that files are exchanged in a folder of this machine.
func (d *draft) Folder() bool { return d.Transport == "folder" }

// From is the folder that their files come in.
func (d *draft) From() string {
	if d.Folder() {
		return "in"
	}
	return "outbox" // theirs
}

// To is the folder that our files go to.
func (d *draft) To() string {
	if d.Folder() {
		return "out"
	}
	return "inbox"
}

// Usage is P unless the sample is a test.
func (d *draft) Usage() string {
	if d.Sample != nil && (d.Sample.usage == "T" || d.Sample.usage == "I") {
		return d.Sample.usage
	}
	return "P"
}

// fileSet is a set of the sample with all its releases.
type fileSet struct{ ID, Name, Releases, Release, Association string }

// Receive and Send are the sets of the sample, on the side that it is of.
func (d *draft) Receive() []fileSet { return d.sets(false) }

// Send is the sets of a sample of ours.
func (d *draft) Send() []fileSet { return d.sets(true) }

func (d *draft) sets(ours bool) []fileSet {
	if d.Sample == nil || d.Sample.ours != ours {
		return nil
	}
	var out []fileSet
	for _, s := range d.Sample.sets {
		release := quoted(s.release)
		i := slices.IndexFunc(out, func(f fileSet) bool { return f.ID == s.id })
		if i < 0 {
			out = append(out, fileSet{ID: s.id, Name: strings.ReplaceAll(s.name, "_", " "), Releases: release, Release: release})
			if s.association != "" && printable(s.association) && !strings.Contains(s.association, "${") {
				out[len(out)-1].Association = quoted(s.association)
			}
			continue
		}
		if !strings.Contains(out[i].Releases, release) {
			out[i].Releases += ", " + release
		}
	}
	return out
}

// Newline tells whether the sample's segments stand in lines of their own.
func (d *draft) Newline() bool { return d.Sample == nil || d.Sample.newline }

// Separators are those of the sample that are not the standard's usual ones.
func (d *draft) Separators() string {
	if d.Sample == nil || strings.ToLower(d.Sample.standard.String()) != d.Standard {
		return ""
	}
	usual := syntax.Delimiters{Segment: '~', Element: '*', Component: '>', Repetition: '^'}
	if !d.X12() {
		usual = syntax.Delimiters{Segment: '\'', Element: '+', Component: ':', Repetition: '*'}
	}
	var out []string
	for _, s := range []struct {
		name        string
		have, usual byte
	}{
		{"segment", d.Sample.d.Segment, usual.Segment},
		{"element", d.Sample.d.Element, usual.Element},
		{"component", d.Sample.d.Component, usual.Component},
		{"repetition", d.Sample.d.Repetition, usual.Repetition},
	} {
		const ascii = 0x80
		if s.have != s.usual && s.have != 0 && s.have < ascii {
			out = append(out, s.name+": "+quoted(string(rune(s.have))))
		}
	}
	return strings.Join(out, ", ")
}

// Variable is the name of an environment variable of the partner.
func (d *draft) Variable(what string) string {
	return strings.ToUpper(strings.ReplaceAll(d.ID, "-", "_")) + "_" + what
}

// secrets are the environment variables that the connection needs.
func (d *draft) secrets() []string {
	return []string{d.Variable("SFTP_HOST"), d.Variable("SFTP_USER"), d.Variable("SFTP_PASSWORD"), d.Variable("SFTP_HOST_KEY")}
}
