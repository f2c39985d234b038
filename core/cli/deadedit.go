package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/ledger"
)

func (a *app) deadEditCommand() *cobra.Command {
	var file, why string
	c := &cobra.Command{
		Use: "edit <id>", Short: "Replace a dead letter's document, before it is replayed", Args: cobra.ExactArgs(1),
		Long: `Replaces the document with that of --file ("-" for standard input), or opens it
in $VISUAL or $EDITOR. A JSON document must stay JSON. The former document stays
in the audit entry. Nothing is sent before ` + "`crossdock dead replay`" + `.`,
		Example: "  crossdock dead edit d-000017\n  crossdock dead edit d-000017 --file fixed.json --why 'wrong SKU'",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.ledger(cmd.Context())
			if err != nil {
				return err
			}
			defer l.Close()
			d, err := l.DeadGet(cmd.Context(), args[0])
			if err != nil {
				return fail(err)
			}
			if !waitsForDecision(d) {
				return fail(fmt.Errorf("%s is %s already; only a dead or held letter can be edited", d.ID, d.State))
			}
			doc, err := a.edited(d, file)
			if err != nil {
				return fail(err)
			}
			if err := l.DeadEdit(cmd.Context(), d.ID, doc, operator(), why); err != nil {
				return fail(err)
			}
			return a.did("edited", []string{d.ID}, 1, false)
		},
	}
	c.Flags().StringVar(&file, "file", "", "file with the new document, - for standard input")
	c.Flags().StringVar(&why, "why", "", "reason, for the audit")
	return c
}

// edited returns the new document of a dead letter, from a file, standard input
// or the editor. A document that is no longer JSON is refused here: sent again
// it would only come back as the next dead letter.
func (a *app) edited(d ledger.Dead, file string) ([]byte, error) {
	var doc []byte
	var err error
	switch file {
	case "-":
		file = "standard input"
		doc, err = io.ReadAll(io.LimitReader(a.In, 64<<20))
	case "":
		return a.editedByHand(d)
	default:
		doc, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	return doc, changed(d, doc, file)
}

// editedByHand opens the document in the operator's editor. When the result
// cannot be taken its file stays: it holds somebody's work.
func (a *app) editedByHand(d ledger.Dead) ([]byte, error) {
	editor := strings.Fields(a.getenv("VISUAL"))
	if len(editor) == 0 {
		editor = strings.Fields(a.getenv("EDITOR"))
	}
	if len(editor) == 0 {
		return nil, errors.New("set $EDITOR, or give the new document with --file")
	}
	shown, pattern := d.Payload, "crossdock-"+d.ID+"-*.txt"
	if json.Valid(d.Payload) {
		var b bytes.Buffer
		if err := json.Indent(&b, d.Payload, "", "  "); err != nil {
			return nil, err
		}
		shown, pattern = append(b.Bytes(), '\n'), "crossdock-"+d.ID+"-*.json"
	}
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(shown); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err := f.Close(); err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	cmd := exec.Command(editor[0], append(editor[1:], f.Name())...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("the editor %s: %w (the document is in %s)", strings.Join(editor, " "), err, f.Name())
	}
	doc, err := os.ReadFile(f.Name())
	if err != nil {
		return nil, err
	}
	if bytes.Equal(doc, shown) {
		return nil, errors.Join(unchanged(d), os.Remove(f.Name()))
	}
	if err := changed(d, doc, f.Name()); err != nil {
		return nil, fmt.Errorf("%w\n%s keeps your text: correct it, then `crossdock dead edit %s --file %[2]s`", err, f.Name(), d.ID)
	}
	return doc, os.Remove(f.Name())
}

func unchanged(d ledger.Dead) error {
	return fmt.Errorf("the document of %s is the same as before; nothing was edited", d.ID)
}

// changed says why doc cannot take the place of the letter's document.
func changed(d ledger.Dead, doc []byte, file string) error {
	if bytes.Equal(doc, d.Payload) {
		return unchanged(d)
	}
	if !json.Valid(d.Payload) {
		return nil
	}
	var v any
	err := json.Unmarshal(doc, &v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		before := doc[:min(max(int(syntax.Offset)-1, 0), len(doc))]
		line, col := 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n')
		return fmt.Errorf("%s:%d:%d: the document of %s must stay JSON: %w; nothing was edited", file, line, col, d.ID, err)
	}
	return err
}
