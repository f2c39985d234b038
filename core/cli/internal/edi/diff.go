package edi

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

func diffCommand() *cobra.Command {
	var dir string
	var envelope bool
	c := &cobra.Command{
		Use: "diff <old> <new>", Short: "Tell what changed between two EDI files, value by value",
		Long: `Compares two files set by set. Sets belong together when they have the same
document number, otherwise the same control number; lines that were added or left
out do not make the others different. Every change is told with its path, its
place in the file, the old and the new value.

Dates, control numbers and separators of envelopes are not compared, unless
--envelope. The exit status is 0 when nothing differs, 1 when something does, 2 on
wrong use or when a file has no sets.`,
		Example: "  crossdock edi diff yesterday.edi today.edi\n  crossdock edi diff --json sent.edi received.edi",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			v := &validate.Validator{Grammars: library(dir)}
			var sides [2][]*document
			for i, name := range args {
				var err error
				if sides[i], err = a.read(name, v); err != nil {
					return &exit.Error{Code: 2, Err: err}
				}
			}
			changes := compare(sides[0], sides[1], envelope)
			if err := a.tell(changes); err != nil {
				return exit.Fail(err)
			}
			if len(changes) > 0 {
				return &exit.Error{Code: 1, Err: fmt.Errorf("the files differ in %d places", len(changes))}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&envelope, "envelope", false, "compare dates, control numbers and separators of envelopes, too")
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	return c
}

// document is one set, with the place of every value.
type document struct {
	set, key, control string
	root              *tree
	places            map[string]shape.Origin
	paired            bool
}

func (a *tool) read(name string, v *validate.Validator) ([]*document, error) {
	r, done, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer done()
	var out []*document
	s := shape.New(shape.Options{Lineage: true, Each: func(d *shape.Document) error {
		root, err := readTree(d.JSON)
		if err != nil {
			return err
		}
		one := &document{set: d.Set.ID, key: d.Key, control: d.Set.Control, root: root, places: make(map[string]shape.Origin, len(d.Lineage))}
		for _, o := range d.Lineage {
			one.places[o.Path] = o
		}
		out = append(out, one)
		return nil
	}})
	if err := v.Run(r, s); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no set was found; `crossdock edi validate %s` says why", name, name)
	}
	return out, nil
}

// change is one difference. Scripts rely on its JSON. Old or New is absent where
// something was added or left out.
type change struct {
	Set      string          `json:"set"`
	Key      string          `json:"key,omitempty"`
	Control  string          `json:"control_number,omitempty"`
	Path     string          `json:"path"` // JSON pointer; that of the old file, of the new one for what was added
	Place    string          `json:"place,omitempty"`
	Position int             `json:"segment_pos,omitempty"`
	Old      json.RawMessage `json:"old,omitempty"`
	New      json.RawMessage `json:"new,omitempty"`
}

func (a *tool) tell(changes []change) error {
	if a.json {
		enc := json.NewEncoder(a.out)
		enc.SetEscapeHTML(false)
		for i := range changes {
			if err := enc.Encode(&changes[i]); err != nil {
				return err
			}
		}
		return nil
	}
	last := ""
	for _, c := range changes {
		if head := strings.TrimSpace(c.Set+" "+c.Key) + " (" + c.Control + ")"; head != last {
			fmt.Fprintln(a.out, head)
			last = head
		}
		place := ""
		if c.Place != "" {
			place = fmt.Sprintf(" (%s, segment %d)", c.Place, c.Position)
		}
		switch {
		case c.Old == nil:
			fmt.Fprintf(a.out, "  + %s%s: %s\n", c.Path, place, c.New)
		case c.New == nil:
			fmt.Fprintf(a.out, "  - %s%s: %s\n", c.Path, place, c.Old)
		default:
			fmt.Fprintf(a.out, "  %s%s: %s -> %s\n", c.Path, place, c.Old, c.New)
		}
	}
	return nil
}
