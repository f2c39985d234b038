package lsp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// editor is the other side of a server, over pipes.
type editor struct {
	t    *testing.T
	to   io.WriteCloser
	from chan []byte // what the server sent; closed at its end
	end  chan error
	log  *bytes.Buffer
	id   int
	// diagnostics are the newest of each document.
	diagnostics map[string]published
}

type published struct {
	URI         string    `json:"uri"`
	Version     int       `json:"version"`
	Diagnostics []finding `json:"diagnostics"`
}

// open starts a server for a folder.
func open(t *testing.T, dir string) *editor {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	e := &editor{t: t, to: inW, from: make(chan []byte, 10_000), end: make(chan error, 1), log: &bytes.Buffer{}, diagnostics: map[string]published{}}
	go func() {
		err := New(inR, outW, e.log, "", "test").Serve(context.Background())
		_ = outW.Close()
		e.end <- err
	}()
	go func() {
		defer close(e.from)
		out := bufio.NewReader(outR)
		for {
			b, err := readFrame(out)
			if err != nil {
				return
			}
			e.from <- b
		}
	}()
	var caps struct {
		Capabilities struct {
			Sync struct {
				Change int `json:"change"`
			} `json:"textDocumentSync"`
		} `json:"capabilities"`
	}
	e.ask("initialize", map[string]any{"rootUri": uriOf(dir)}, &caps)
	if caps.Capabilities.Sync.Change != 2 {
		t.Fatalf("no incremental changes: %+v", caps)
	}
	e.tell("initialized", map[string]any{})
	t.Cleanup(func() {
		e.ask("shutdown", nil, nil)
		e.tell("exit", nil)
		if err := <-e.end; err != nil {
			t.Error(err)
		}
		if e.log.Len() > 0 {
			t.Error(e.log)
		}
	})
	return e
}

func (e *editor) write(v any) {
	e.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := writeFrame(e.to, b); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) tell(method string, params any) {
	e.t.Helper()
	e.write(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

type reply struct {
	ID     *int            `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *failure        `json:"error"`
}

// next reads one message and keeps what it says about documents.
func (e *editor) next() reply {
	e.t.Helper()
	b, ok := <-e.from
	if !ok {
		e.t.Fatal("the server has ended:", e.log)
	}
	var r reply
	if err := json.Unmarshal(b, &r); err != nil {
		e.t.Fatal(err)
	}
	if r.Method == "textDocument/publishDiagnostics" {
		var p published
		if err := json.Unmarshal(r.Params, &p); err != nil {
			e.t.Fatal(err)
		}
		e.diagnostics[p.URI] = p
	}
	return r
}

func (e *editor) ask(method string, params, into any) *failure {
	e.t.Helper()
	e.id++
	e.write(map[string]any{"jsonrpc": "2.0", "id": e.id, "method": method, "params": params})
	for {
		r := e.next()
		if r.ID == nil || *r.ID != e.id {
			continue
		}
		if r.Error == nil && into != nil {
			if err := json.Unmarshal(r.Result, into); err != nil {
				e.t.Fatal(err)
			}
		}
		return r.Error
	}
}

// found waits for the findings of a version of a document.
func (e *editor) found(uri string, version int) []finding {
	e.t.Helper()
	for e.diagnostics[uri].URI == "" || e.diagnostics[uri].Version < version {
		e.next()
	}
	return e.diagnostics[uri].Diagnostics
}

// file is an open document of the editor.
type file struct {
	*editor
	uri, text string
	version   int
}

func (e *editor) openFile(name, text string) *file {
	e.t.Helper()
	f := &file{e, uriOf(name), text, 1}
	e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": f.uri, "languageId": "yaml", "version": 1, "text": text}})
	return f
}

// place finds text in the document; | in it is the cursor.
func (f *file) place(mark string) position {
	f.t.Helper()
	before, _, _ := strings.Cut(mark, "|")
	i := strings.Index(f.text, strings.Replace(mark, "|", "", 1))
	if i < 0 {
		f.t.Fatalf("the document has no %q", mark)
	}
	return f.position(i + len(before))
}

func (f *file) position(i int) position {
	head := f.text[:i]
	n := strings.Count(head, "\n")
	return position{n, toUnits(line(f.text, n), len([]rune(head[strings.LastIndex(head, "\n")+1:]))+1)}
}

// edit replaces text, the way an editor does while it is typed.
func (f *file) edit(old, with string) {
	f.t.Helper()
	i := strings.Index(f.text, old)
	if i < 0 {
		f.t.Fatalf("the document has no %q", old)
	}
	change := map[string]any{"range": textRange{f.position(i), f.position(i + len(old))}, "text": with}
	f.text = f.text[:i] + with + f.text[i+len(old):]
	f.version++
	f.tell("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": f.uri, "version": f.version}, "contentChanges": []any{change}})
}

func (f *file) at(mark string) map[string]any {
	f.t.Helper()
	return f.where(f.place(mark))
}

func (f *file) where(p position) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": f.uri}, "position": p}
}

// replace sends the whole text.
func (f *file) replace(text string) {
	f.t.Helper()
	f.text = text
	f.version++
	f.tell("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": f.uri, "version": f.version}, "contentChanges": []any{map[string]any{"text": text}}})
}

// completes lists what is offered, and what a choice would make of the line.
func (f *file) completes(at position) map[string]string {
	f.t.Helper()
	var list struct {
		Items []completionItem `json:"items"`
	}
	if fail := f.ask("textDocument/completion", f.where(at), &list); fail != nil {
		f.t.Fatal(fail.Message)
	}
	out := map[string]string{}
	for _, i := range list.Items {
		r := i.TextEdit.Range
		out[i.Label] = f.text[offset(f.text, position{r.Start.Line, 0}):offset(f.text, r.Start)] + i.TextEdit.NewText + line(f.text[offset(f.text, r.End):], 0)
	}
	return out
}

func (f *file) explains(mark string) string {
	f.t.Helper()
	var h *hover
	if fail := f.ask("textDocument/hover", f.at(mark), &h); fail != nil {
		f.t.Fatal(fail.Message)
	}
	if h == nil {
		return ""
	}
	return h.Contents.Value
}

func (f *file) defines(mark string) string {
	f.t.Helper()
	var l *location
	if fail := f.ask("textDocument/definition", f.at(mark), &l); fail != nil {
		f.t.Fatal(fail.Message)
	}
	if l == nil {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", filepath.Base(pathOf(l.URI)), l.Range.Start.Line+1, l.Range.Start.Character+1)
}

// example opens the broken example of the language.
func example(t *testing.T) *file {
	t.Helper()
	dir, err := filepath.Abs("../../../mapping/testdata")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "example", "order-850-broken.yaml")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, dir).openFile(name, string(b))
}

// TestFindingsFollowTheText: what the check finds stands at the text it is about,
// and goes when the text is mended, without saving.
func TestFindingsFollowTheText(t *testing.T) {
	f := example(t)
	about := func(list []finding) []string {
		var out []string
		for _, d := range list {
			out = append(out, fmt.Sprintf("%d %s: %s", d.Range.Start.Line+1, f.text[offset(f.text, d.Range.Start):offset(f.text, d.Range.End)], d.Message))
		}
		slices.Sort(out)
		return out
	}
	want := []string{
		`28 schemaVersion: required target field partnerId is never set (add a rule for it)`,
		`33 contrct: contract: undefined field 'contrct' (did you mean "contract"?)`,
		`58 {: carrier.service is required by the target; when the rule fails the document fails too (use onError: default with a default, or fail)`,
		`67 l.line: lines[].lineNumber wants int, the expression gives string (convert it with int(…))`,
		`67 lineNumber: required target field lines[].lineTotal is never set (add a rule for it)`,
		`74 uomm: lines[].uom: no code list "uomm" (did you mean "uom"?)`,
		`77 lineTotl: target lines[] has no field "lineTotl" (did you mean "lineTotal"?)`,
		`79 l.sac.ind: lines[].allowance: 'when' must be true/false, this is string (compare it with something, or use has())`,
	}
	got := about(f.found(f.uri, 1))
	if len(got) != 9 || !slices.Equal(got[:8], want) || !strings.HasPrefix(got[8], "87 [: 8 members of the source") {
		t.Fatalf("found\n%s", strings.Join(got, "\n"))
	}
	f.edit("contrct", "contract")
	f.edit("uomm", "uom")
	f.edit("PK: packet", "PK: pack")
	// Characters beyond the basic plane count twice in the protocol.
	f.edit("happy path", "𝒽appy 🙂 path, input: x")
	f.edit(", input: x, input", ", input")
	f.edit("lineTotl:", "lineTotal:")
	f.edit("lineNumber:  l.line", "lineNumber:  int(l.line)")
	f.edit("when: l.sac.ind", `when: has(l.sac.ind)`)
	f.edit("fields:\n  schemaVersion", "fields:\n  partnerId: src.isa.sender\n  schemaVersion")
	got = about(f.found(f.uri, f.version))
	if slices.ContainsFunc(f.diagnostics[f.uri].Diagnostics, func(d finding) bool { return d.Severity == 1 }) || len(got) != 2 {
		t.Errorf("after mending:\n%s", strings.Join(got, "\n"))
	}
	// The whole text at once is a change too.
	f.replace("mapping: [")
	if got := about(f.found(f.uri, f.version)); len(got) != 1 || !strings.Contains(got[0], "not valid YAML") {
		t.Errorf("broken YAML: %v", got)
	}
	f.tell("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": f.uri}})
	delete(f.diagnostics, f.uri)
	if got := f.found(f.uri, 0); len(got) > 0 {
		t.Errorf("findings of a closed document: %v", got)
	}
}

func TestCompletion(t *testing.T) {
	f := example(t)
	original := f.text
	tests := []struct{ name, old, typed, want, line string }{
		{"members of the source", "src.beg.contrct", "src.beg.|", "contract", "  contract:      src.beg.contract"},
		{"members in the middle of a word", "src.beg.contrct", "src.beg.con|trct", "contract", "  contract:      src.beg.contract"},
		{"members of what a loop names", "      vendorSku:   l.ids.VN", "      vendorSku:   l.ids.|", "SK", "      vendorSku:   l.ids.SK"},
		{"members of a let", "ts(delivery.d, delivery.t,", "ts(delivery.|, delivery.t,", "d", `  requestedDelivery: ts(delivery.d, delivery.t, "America/Chicago")`},
		{"members of an inner loop", `src.ref.first(r, r.q == "DP").v`, `src.ref.first(r, r.|`, "q", "  department:    src.ref.first(r, r.q"},
		{"members of what a function gives", `src.ref.first(r, r.q == "DP").v`, `src.ref.first(r, r.q == "DP").|`, "v", `  department:    src.ref.first(r, r.q == "DP").v`},
		{"the variable of an inner loop", `src.ref.first(r, r.q == "DP").v`, `src.ref.first(ref1, r|`, "ref1", "  department:    src.ref.first(ref1, ref1"},
		{"functions of a list", "src.beg.contrct", "src.ref.|", "first", "  contract:      src.ref.first"},
		{"functions of text", "src.beg.contrct", "src.beg.po.|", "upper", "  contract:      src.beg.po.upper"},
		{"functions", "src.beg.contrct", "gt|", "gtin14", "  contract:      gtin14"},
		{"variables where nothing is written", "src.beg.contrct", "|", "delivery", "  contract:      delivery"},
		{"in braces", "{from: l.uom, map: uomm}", "{from: l.|", "uom", "      uom:         {from: l.uom"},
		{"in quotes", `'ts(cancel.d, cancel.t, "America/Chicago")'`, `'ts(cancel.|`, "t", "  cancelAfter:       {expr: 'ts(cancel.t, onError: skip}"},
		{"code lists", "map: uomm", "map: |", "id_qualifier", "      uom:         {from: l.uom, map: id_qualifier}"},
		{"lookups", "lookup: carrier", "lookup: c|", "sku", "      service: {from: src.td5.scac, lookup: sku, onError: warn}"},
		{"fragments", "{use: party, with: {n: 'src.n1.first(x, x.e == \"ST\")'}}", "{use: |", "party", "  shipTo:     {use: party"},
		{"parameters of a fragment", "{use: party, with: {n: 'src.n1.first(x, x.e == \"ST\")'}}", "{use: party, with: {|", "n", "  shipTo:     {use: party, with: {n: "},
		{"target members", "      lineTotl:   dmul(l.qty, l.price)", "      line|", "lineTotal", "      lineTotal: "},
		{"target members on an empty line", "      lineTotl:   dmul(l.qty, l.price)", "      |", "lineTotal", "      lineTotal: "},
		{"target members in place of others", "lineTotl:", "lineT|otl:", "lineTotal", "      lineTotal:   dmul(l.qty, l.price)"},
		{"keys of a rule", "{from: l.uom, map: uomm}", "{from: l.uom, d|", "default", "      uom:         {from: l.uom, default: "},
		{"keys of the file", "lookups:", "look|", "lookups", "lookups: "},
		{"words of a key", "onError: warn", "onError: |", "skip", "      service: {from: src.td5.scac, lookup: carrier, onError: skip}"},
		{"words of settings", "rounding: half-even", "rounding: |", "half-up", "settings: {timezone: America/Chicago, currency: USD, rounding: half-up, onError: fail}"},
		{"constants of the target", "{from: l.uom, map: uomm}", "{const: |}", "case", "      uom:         {const: case}"},
		{"paths to ignore", "src.gs, src.ctt.hash", "src.gs, |", "src.ctt.hash", "ignore: [src.isa.date, src.isa.time, src.isa.receiver, src.gs, src.ctt.hash]   # read on purpose by nobody"},
		{"entities", "{entity: Order, schema", "{entity: |, schema", "promotion-release", "target: {entity: promotion-release, schema: ../schemas/canonical-order.json}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f.t = t
			i := strings.Index(original, tt.old)
			if i < 0 {
				t.Fatalf("the example has no %q", tt.old)
			}
			f.replace(original[:i] + strings.Replace(tt.typed, "|", "", 1) + original[i+len(tt.old):])
			got := f.completes(f.position(i + strings.Index(tt.typed, "|")))
			if got[tt.want] != tt.line {
				t.Errorf("%q gives %q, want %q; %d offered", tt.want, got[tt.want], tt.line, len(got))
			}
		})
	}
}

// TestCompletionOfWhatCannotBeRead: a mistake in another line hides nothing that
// was known before.
func TestCompletionOfWhatCannotBeRead(t *testing.T) {
	f := example(t)
	f.found(f.uri, 1)
	f.edit("channel:       {const: edi}", "channel:       {const: [edi}")
	f.edit("src.beg.contrct", "src.beg.")
	if got := f.completes(f.place("contract:      src.beg.|"))["contract"]; got != "  contract:      src.beg.contract" {
		t.Errorf("contract gives %q", got)
	}
	if got := f.explains("releaseNumber: {from: src.beg.rel|ease"); !strings.Contains(got, "src.beg.release") {
		t.Errorf("hover says %q", got)
	}
}

func TestHoverAndDefinition(t *testing.T) {
	f := example(t)
	for _, tt := range []struct {
		mark string
		want []string
	}{
		{"src.beg.rele|ase", []string{"**src.beg.release**: text", "Required by the source"}},
		{"orderNumb|er:", []string{"**out.orderNumber**: text", "Required by the target", "From `src.beg.po`"}},
		{"gtin1|4(", []string{"gtin14(x)", "14 digits"}},
		{"src.dtm.fir|st(d, d.q == \"002\")", []string{"list.first(", "first item that fits"}},
		{"emptyA|s: missing}", []string{"What an empty text is"}},
		{"map: order_ty|pe", []string{"code list", "SA: standard"}},
		{"lookup: carr|ier", []string{"lookup", "file: xref/carriers.csv"}},
		{"{use: par|ty, with: {n: 'src.n1.first(x, x.e == \"ST\")", []string{"fragments/party.yaml"}},
		{"sr|c.isa.usage", []string{"The source document"}},
		{"roundi|ng: half", []string{"How money is rounded"}},
		{"\"America/Chi|cago\"", nil},
		{"CTT01 does| not match", nil},
	} {
		got := f.explains(tt.mark)
		for _, w := range tt.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q does not say %q", tt.mark, got, w)
			}
		}
		if tt.want == nil && got != "" {
			t.Errorf("%s: explained by %q", tt.mark, got)
		}
	}
	for mark, want := range map[string]string{
		"map: order_ty|pe": "order-850-broken.yaml:12:3", "lookup: carr|ier": "order-850-broken.yaml:19:3",
		"shipTo:     {use: par|ty": "party.yaml:2:11", "ts(deliv|ery.d": "order-850-broken.yaml:23:3",
		"gtin14(|l.ids": "order-850-broken.yaml:65:9", "first(r, |r.q == \"CO\"": "order-850-broken.yaml:47:32",
		"include: [fragments/par|ty": "party.yaml:2:1", "orderNumb|er:": "", "src.be|g.po\n": "",
	} {
		if got := f.defines(mark); got == "" != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s leads to %q, want %q", mark, got, want)
		}
	}
}

// TestFragment: a fragment is checked where it is used, and an open one's text
// counts for the mappings that use it.
func TestFragment(t *testing.T) {
	mapping := example(t)
	name := filepath.Join(filepath.Dir(pathOf(mapping.uri)), "fragments", "party.yaml")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := mapping.openFile(name, string(b))
	if got := f.found(f.uri, 1); len(got) > 0 {
		t.Errorf("found %v", got)
	}
	member := strings.Index(f.text, " n.")
	f.replace(f.text[:member] + " n.nothing" + f.text[member+3:])
	if got := f.found(f.uri, 2); len(got) == 0 || !strings.Contains(got[0].Message, "nothing") {
		t.Errorf("found %v", got)
	}
	if got := f.completes(f.position(member + 3)); got["name"] == "" {
		t.Errorf("members of a parameter: %v", got)
	}
}

// TestRefusals: what an editor must not do is answered, and does not end the
// server.
func TestRefusals(t *testing.T) {
	f := example(t)
	for method, want := range map[string]int{"textDocument/rename": codeMethod, "initialize": 0} {
		if fail := f.ask(method, map[string]any{}, nil); (fail == nil) != (want == 0) || fail != nil && fail.Code != want {
			t.Errorf("%s: %v", method, fail)
		}
	}
	if fail := f.ask("textDocument/hover", []int{1}, nil); fail == nil || fail.Code != codeParams {
		t.Errorf("wrong parameters: %v", fail)
	}
	if err := writeFrame(f.to, []byte("{")); err != nil {
		t.Fatal(err)
	}
	for r := f.next(); r.Error == nil || r.Error.Code != codeParse; r = f.next() {
	}
	// Far outside of the document, and a file that is no mapping.
	if fail := f.ask("textDocument/completion", f.where(position{1 << 30, 1 << 30}), nil); fail != nil {
		t.Error(fail)
	}
	for _, method := range []string{"textDocument/hover", "textDocument/completion", "textDocument/definition"} {
		if fail := f.ask(method, f.where(position{-1, -1}), nil); fail != nil {
			t.Errorf("%s: %v", method, fail)
		}
	}
	route := f.openFile(filepath.Join(filepath.Dir(pathOf(f.uri)), "route.yaml"), "from: a\nto: b\n")
	if got := route.found(route.uri, 1); len(got) > 0 {
		t.Errorf("findings in a route: %v", got)
	}
}
