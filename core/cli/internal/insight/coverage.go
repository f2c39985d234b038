// Package insight prints what mappings do: what `crossdock map coverage`, `map
// lineage` and `map run --trace` show to people.
package insight

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/crossdock/crossdock/core/mapping"
)

// Wants are the least percentages that a mapping must reach; below zero
// there is none.
type Wants struct{ Required, Target, Source, Tests float64 }

// Judge names what a mapping lacks.
func (w Wants) Judge(v *mapping.Coverage) []error {
	var out []error
	for _, c := range []demand{
		{what: "of the required target fields are set", lacks: "no rule sets", least: w.Required, t: v.Required},
		{what: "of the target fields are set", lacks: "no rule sets", least: w.Target, t: v.Target, fold: true},
		{what: "of the source fields are read or ignored", lacks: "nothing reads", least: w.Source, t: v.Source, fold: true},
		{what: "of the rules are run by tests", lacks: "no test runs", least: w.Tests, t: v.Tests, places: true},
	} {
		if c.t.Percent >= c.least {
			continue
		}
		missing := c.missing(v.File)
		const most = 40
		if len(missing) > most {
			missing = append(missing[:most:most], fmt.Sprintf("and %d more (--fields lists all)", len(missing)-most))
		}
		out = append(out, fmt.Errorf("%s: %s %% %s, %s %% are asked for; %s %s", v.File, percent(c.t.Percent), c.what, percent(c.least), c.lacks, strings.Join(missing, ", ")))
	}
	return out
}

// demand is one threshold, and how what is missing is told: whole objects as one,
// rules with their places.
type demand struct {
	what, lacks  string
	least        float64
	t            mapping.Tally
	fold, places bool
}

func (d demand) missing(file string) []string {
	fields := d.t.Fields
	if d.fold {
		fields = folded(fields)
	}
	var out []string
	for _, f := range fields {
		switch {
		case f.State.Covered():
		case d.places:
			out = append(out, fmt.Sprintf("%s (%s)", f.Path, rulePlaces(f.Rules, file)))
		default:
			out = append(out, f.Path)
		}
	}
	return out
}

func percent(p float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", p), ".0") }

// Coverage prints a line for each mapping; with fields, all fields, too.
func Coverage(out io.Writer, all []*mapping.Coverage, fields bool) error {
	rows := [][]string{{"MAPPING", "REQUIRED", "TARGET", "SOURCE", "RULES TESTED"}}
	for _, v := range all {
		rows = append(rows, []string{v.File, share(v.Required), share(v.Target), share(v.Source), share(v.Tests)})
	}
	if err := columns(out, "", rows); err != nil {
		return err
	}
	for _, v := range all {
		if missing := v.Required.Missing(); len(missing) > 0 && !fields {
			fmt.Fprintf(out, "\n%s: no rule sets what the target requires: %s\n", v.File, strings.Join(missing, ", "))
		}
		if fields {
			if err := coverageFields(out, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func share(t mapping.Tally) string {
	if t.Total == 0 {
		return "-"
	}
	return fmt.Sprintf("%s %% (%d/%d)", percent(t.Percent), t.Covered, t.Total)
}

// coverageFields lists the fields of a mapping. An object of which nothing is
// covered is one line.
func coverageFields(out io.Writer, v *mapping.Coverage) error {
	for _, part := range []struct {
		head string
		t    mapping.Tally
	}{{"required", v.Required}, {"target", v.Target}, {"source", v.Source}, {"rules", v.Tests}} {
		fmt.Fprintf(out, "\n%s: %s, %s\n", v.File, part.head, share(part.t))
		var rows [][]string
		for _, f := range folded(part.t.Fields) {
			rows = append(rows, []string{string(f.State), f.Path, f.Element, rulePlaces(f.Rules, v.File)})
		}
		if err := columns(out, "  ", rows); err != nil {
			return err
		}
	}
	return nil
}

// rulePlaces are the first places of a field's rules.
func rulePlaces(all []mapping.Place, file string) string {
	const most = 3
	texts := make([]string, 0, most+1)
	for i, p := range all {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(all)-most))
			break
		}
		texts = append(texts, rulePlace(p, file))
	}
	return strings.Join(texts, ", ")
}

// rulePlace is line:col, with the file where that is another one: a fragment.
func rulePlace(p mapping.Place, file string) string {
	if p.File == file {
		return fmt.Sprintf("%d:%d", p.Line, p.Col)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// columns writes rows as a table without blanks at the ends of lines. A column
// in which nothing stands is left out.
func columns(out io.Writer, indent string, rows [][]string) error {
	width := map[int]int{}
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		line := indent
		for i, cell := range r {
			if width[i] > 0 {
				line += cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2)
			}
		}
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// folded puts the fields of an object into one line when none is covered.
func folded(fields []mapping.Field) []mapping.Field {
	touched := map[string]bool{}
	for _, f := range fields {
		if f.State.Covered() {
			for p := f.Path; p != ""; p = above(p) {
				touched[p] = true
			}
		}
	}
	var out []mapping.Field
	count := map[string]int{}
	at := map[string]int{}
	for _, f := range fields {
		top := ""
		for p := above(f.Path); p != "" && !touched[p]; p = above(p) {
			top = p
		}
		if f.State.Covered() || top == "" || len(f.Rules) > 0 {
			out = append(out, f)
			continue
		}
		if count[top]++; count[top] == 1 {
			at[top] = len(out)
			out = append(out, mapping.Field{Path: top, State: f.State})
		}
	}
	for top, n := range count {
		out[at[top]].Path = fmt.Sprintf("%s: %s", top, plural(n, "field"))
	}
	return out
}

// above is the path of the object around a field, "" at the top.
func above(path string) string {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i]
	}
	return ""
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
