package partner

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

// words are the verdicts for people.
var words = map[verdict.Verdict]string{verdict.Accept: "accepted", verdict.AcceptWarn: "accepted with warnings", verdict.Reject: "rejected"}

// printReport prints what is found for the person who asks.
func (t *tool) printReport(r *Report, brief bool) error {
	w := bufio.NewWriter(t.out)
	for i, f := range r.Files {
		if i > 0 {
			fmt.Fprintln(w)
		}
		printFile(w, f, brief)
	}
	return exit.Fail(w.Flush())
}

func printFile(w io.Writer, f *File, brief bool) {
	fmt.Fprintf(w, "%s: %s\n", f.Name, words[f.Verdict])
	for _, ic := range f.Interchanges {
		fmt.Fprintf(w, "  interchange %s (%s %s) from %s to %s, usage %q\n", ic.Control, f.Standard, ic.Version, ic.Sender, ic.Receiver, ic.Usage)
		for _, s := range ic.Sets {
			fmt.Fprintf(w, "    set %s %s, release %s%s: %s\n", s.ID, s.Control, strings.TrimSpace(s.Release+" "+s.Association), number(s.Key), words[s.Verdict])
		}
		if ic.More > 0 {
			fmt.Fprintf(w, "    … and %d more sets\n", ic.More)
		}
	}
	if len(f.Findings) > 0 {
		fmt.Fprintln(w, "\nfindings:")
	}
	for _, one := range f.Findings {
		fmt.Fprintf(w, "  %-8s %s\n", one.Severity, one)
		facts := []string{string(one.Code)}
		if codes := one.Reported(f.Standard == syntax.EDIFACT.String()); len(codes) > 0 {
			facts = append(facts, "reported as "+strings.Join(codes, ", "))
		}
		fmt.Fprintf(w, "           %s\n", strings.Join(facts, "; "))
	}
	if f.More > 0 {
		fmt.Fprintf(w, "  … and %d more\n", f.More)
	}
	for _, a := range f.Answers {
		fmt.Fprintf(w, "\n%s to %s:\n", a.Kind, a.of())
		for _, s := range a.Segments {
			fmt.Fprintf(w, "  %s\n", s)
		}
	}
	for _, why := range f.Unanswered {
		fmt.Fprintf(w, "\nnot answered: %s\n", why)
	}
	for _, ic := range f.Interchanges {
		for _, s := range ic.Sets {
			printDocuments(w, s, brief)
		}
	}
}

func (a Answer) of() string {
	if a.Group != "" {
		return "group " + a.Group + " of interchange " + a.Interchange
	}
	return "interchange " + a.Interchange
}

func number(key string) string {
	if key == "" {
		return ""
	}
	return ", number " + key
}

func printDocuments(w io.Writer, s *Set, brief bool) {
	for _, d := range s.Documents {
		title := s.ID + " " + s.Control
		if d.Part > 0 {
			title += fmt.Sprintf(" part %d", d.Part)
		}
		if !brief {
			fmt.Fprintf(w, "\n%s as JSON:\n%s\n", title, indented(d.JSON))
		}
		switch {
		case d.Error != "":
			fmt.Fprintf(w, "\n%s cannot be mapped by %s:\n  %s\n", title, s.Mapping, strings.ReplaceAll(d.Error, "\n", "\n  "))
		case d.Canonical != nil && !brief:
			fmt.Fprintf(w, "\n%s mapped by %s:\n%s\n", title, s.Mapping, indented(d.Canonical))
		case d.Canonical != nil:
			fmt.Fprintf(w, "\n%s is mapped by %s\n", title, s.Mapping)
		}
		for _, one := range d.Warnings {
			fmt.Fprintf(w, "  %s\n", one)
		}
	}
	if s.Mapping != "" && s.Verdict == verdict.Reject {
		fmt.Fprintf(w, "\n%s %s is not mapped: it would not be handed over\n", s.ID, s.Control)
	}
}

// indented is JSON for people.
func indented(doc json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, doc, "", "  ") != nil {
		return string(doc)
	}
	return b.String()
}
