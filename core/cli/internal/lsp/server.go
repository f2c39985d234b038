// Package lsp is a language server for mapping files: it tells an editor, over
// the Language Server Protocol 3.17, what the check of mappings finds in the
// text that is being written, what can be written there, what stands there and
// where it is defined.
package lsp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"github.com/crossdock/crossdock/core/mapping"
)

// Server serves one editor.
type Server struct {
	in      *bufio.Reader
	out     io.Writer
	log     io.Writer
	version string
	project string   // folder that was named; "" to find it for each file
	roots   []string // folders that the editor has open
	ready   bool
	ended   bool // shutdown was asked

	mu        sync.Mutex                      // of all below, and of writing to out
	docs      map[string]*document            // by URI
	published map[string]map[string][]finding // by URI, then by the document whose check found them

	wake chan struct{} // something is to be checked
}

// document is an open file of the editor.
type document struct {
	uri, file string // file is absolute
	project   string // folder of its project
	path      string // of the file in it
	version   int
	text      string
	// generation counts changes of the text and of what it may depend on; checked
	// is the one that result belongs to.
	generation, checked int
	result              result
	good                *mapping.Insight // of the last text that could be read
}

// finding is a diagnostic of the protocol.
type finding struct {
	Range    textRange `json:"range"`
	Severity int       `json:"severity"`
	Code     string    `json:"code,omitempty"`
	Source   string    `json:"source"`
	Message  string    `json:"message"`
}

// New returns a server. project is the folder of the project, "" to find it for
// each file; log is for people.
func New(in io.Reader, out, log io.Writer, project, version string) *Server {
	s := &Server{
		in: bufio.NewReader(in), out: out, log: log, version: version,
		docs: map[string]*document{}, published: map[string]map[string][]finding{}, wake: make(chan struct{}, 1),
	}
	if dir, err := filepath.Abs(project); project != "" && err == nil {
		s.project = dir
	}
	return s
}

// message is a request, a notification (no ID) or, from an editor that answers,
// a response (no Method).
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// Codes of JSON-RPC and of the protocol.
const (
	codeParse      = -32700
	codeRequest    = -32600
	codeMethod     = -32601
	codeParams     = -32602
	codeInternal   = -32603
	codeNotStarted = -32002
)

type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Error implements error.
func (f *failure) Error() string { return f.Message }

// Serve answers until the editor says exit. The error says why it ended
// otherwise.
func (s *Server) Serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Add(1)
	go func() { defer work.Done(); s.checkAll(ctx) }()
	defer work.Wait()
	defer stop()
	frames, failed := make(chan []byte), make(chan error, 1)
	go func() {
		for {
			content, err := readFrame(s.in)
			if err != nil {
				failed <- err
				return
			}
			select {
			case frames <- content:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			if errors.Is(err, io.EOF) && s.ended {
				return nil // some editors close the pipe instead of saying exit
			}
			if errors.Is(err, io.EOF) {
				return errors.New("the editor closed the connection without shutdown")
			}
			return err
		case content := <-frames:
			if exit, err := s.handle(content); exit || err != nil {
				return err
			}
		}
	}
}

// handle answers one message and tells whether it was exit.
func (s *Server) handle(content []byte) (exit bool, err error) {
	var m message
	if err := json.Unmarshal(content, &m); err != nil {
		return false, s.respond(nil, nil, &failure{codeParse, "the message is not JSON-RPC: " + err.Error()})
	}
	switch {
	case m.Method == "exit":
		if !s.ended {
			return true, errors.New("the editor said exit before shutdown")
		}
		return true, nil
	case m.Method == "":
		return false, nil // an answer; the server asks nothing
	case m.ID == nil:
		if s.ready && !s.ended {
			if f := s.guard(func() (any, *failure) { return nil, s.notified(m) }); f.failure != nil {
				fmt.Fprintf(s.log, "crossdock lsp: %s: %s\n", m.Method, f.failure.Message)
			}
		}
		return false, nil
	}
	switch {
	case s.ended:
		return false, s.respond(m.ID, nil, &failure{codeRequest, "the server has been shut down"})
	case !s.ready && m.Method != "initialize":
		return false, s.respond(m.ID, nil, &failure{codeNotStarted, "the first request must be initialize"})
	}
	a := s.guard(func() (any, *failure) { return s.asked(m) })
	return false, s.respond(m.ID, a.result, a.failure)
}

type answer struct {
	result  any
	failure *failure
}

// guard turns a panic into an answer: one question less, not the editor's server.
func (s *Server) guard(f func() (any, *failure)) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(s.log, "crossdock lsp: %v\n%s", p, debug.Stack())
			a = answer{nil, &failure{codeInternal, fmt.Sprint(p)}}
		}
	}()
	a.result, a.failure = f()
	return a
}

func (s *Server) respond(id json.RawMessage, result any, f *failure) error {
	type response struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  any             `json:"result"`
	}
	type refusal struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   *failure        `json:"error"`
	}
	if id == nil {
		id = json.RawMessage("null")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f != nil {
		return s.send(refusal{"2.0", id, f})
	}
	return s.send(response{"2.0", id, result})
}

// send writes a message; s.mu is held.
func (s *Server) send(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeFrame(s.out, b)
}

// read decodes the parameters of a message.
func read[T any](m message) (T, *failure) {
	var p T
	if err := json.Unmarshal(m.Params, &p); err != nil {
		return p, &failure{codeParams, "the parameters of " + m.Method + " cannot be read: " + err.Error()}
	}
	return p, nil
}

// asked answers a request.
func (s *Server) asked(m message) (any, *failure) {
	switch m.Method {
	case "initialize":
		return s.initialize(m)
	case "shutdown":
		s.ended = true
		return nil, nil
	case "textDocument/completion", "textDocument/hover", "textDocument/definition":
		p, f := read[place](m)
		if f != nil {
			return nil, f
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		d := s.docs[p.TextDocument.URI]
		if d == nil {
			return nil, nil // of a file that is none of ours
		}
		switch m.Method {
		case "textDocument/completion":
			return s.complete(d, p.Position), nil
		case "textDocument/hover":
			return s.hover(d, p.Position), nil
		}
		return s.define(d, p.Position), nil
	}
	return nil, &failure{codeMethod, "there is no method " + m.Method}
}

// place is the parameter of what is asked about a place in a document.
type place struct {
	TextDocument struct {
		URI string `json:"uri"`
	} `json:"textDocument"`
	Position position `json:"position"`
}

func (s *Server) initialize(m message) (any, *failure) {
	p, f := read[struct {
		RootURI          string `json:"rootUri"`
		WorkspaceFolders []struct {
			URI string `json:"uri"`
		} `json:"workspaceFolders"`
	}](m)
	if f != nil {
		return nil, f
	}
	for _, w := range p.WorkspaceFolders {
		s.roots = append(s.roots, pathOf(w.URI))
	}
	if p.RootURI != "" {
		s.roots = append(s.roots, pathOf(p.RootURI))
	}
	s.ready = true
	const incremental = 2
	type object = map[string]any
	return object{
		"serverInfo": object{"name": "crossdock", "version": s.version},
		"capabilities": object{
			"positionEncoding":   "utf-16",
			"textDocumentSync":   object{"openClose": true, "change": incremental, "save": object{"includeText": false}},
			"completionProvider": object{"triggerCharacters": []string{".", " ", "{", "("}},
			"hoverProvider":      true,
			"definitionProvider": true,
		},
	}, nil
}

// notified takes a notification. Those that the server does not know are the
// editor's own affair.
func (s *Server) notified(m message) *failure {
	p, f := read[struct {
		TextDocument struct {
			URI     string `json:"uri"`
			Version int    `json:"version"`
			Text    string `json:"text"`
		} `json:"textDocument"`
		ContentChanges []change `json:"contentChanges"`
	}](m)
	if f != nil {
		return f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	uri := p.TextDocument.URI
	d := s.docs[uri]
	switch m.Method {
	case "textDocument/didOpen":
		file := pathOf(uri)
		if file == "" {
			return nil // such as a text that was never saved
		}
		d = &document{uri: uri, file: file, project: folderOf(file, s.project, s.roots), version: p.TextDocument.Version, text: p.TextDocument.Text}
		d.path = inFolder(d.project, file)
		s.docs[uri] = d
		s.changed(d)
	case "textDocument/didChange":
		if d == nil {
			return &failure{codeParams, uri + " is not open"}
		}
		for _, c := range p.ContentChanges {
			d.text = c.apply(d.text)
		}
		d.version = p.TextDocument.Version
		s.changed(d)
	case "textDocument/didSave", "workspace/didChangeWatchedFiles":
		s.changed(nil) // a schema or a table may be another now
	case "textDocument/didClose":
		if d == nil {
			return nil
		}
		delete(s.docs, uri)
		s.publish(d, nil)
		s.changed(nil) // others see what is saved again
	}
	return nil
}

// changed has a document checked again, with those that may depend on it; nil
// means all. s.mu is held.
func (s *Server) changed(d *document) {
	for _, other := range s.docs {
		if d == nil || other == d || fragmentFile.MatchString(d.text) || fragmentFile.MatchString(other.text) {
			other.generation++
		}
	}
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// checkAll checks documents until ctx ends, each in its newest state: what was
// typed while a check ran is checked next, and the old findings are dropped.
func (s *Server) checkAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for ctx.Err() == nil {
			s.mu.Lock()
			d := s.stale()
			if d == nil {
				s.mu.Unlock()
				break
			}
			generation, text, project := d.generation, d.text, s.folder(d)
			s.mu.Unlock()
			r := examine(project, d.path, text)
			s.mu.Lock()
			if s.docs[d.uri] == d && d.generation == generation {
				s.keep(d, r)
				s.publish(d, r.found)
			}
			s.mu.Unlock()
		}
	}
}

func (s *Server) stale() *document {
	for _, d := range s.docs {
		if d.checked != d.generation {
			return d
		}
	}
	return nil
}

// folder is the project of a document with all its open texts.
func (s *Server) folder(d *document) overlay {
	o := overlay{os.DirFS(d.project), map[string]string{}}
	for _, other := range s.docs {
		if p := inFolder(d.project, other.file); filepath.IsLocal(p) {
			o.texts[p] = other.text
		}
	}
	return o
}

// keep remembers the check of a document's newest text.
func (s *Server) keep(d *document, r result) {
	d.result, d.checked = r, d.generation
	if r.insight != nil {
		d.good = r.insight
	}
}

// publish sends the findings of a document's check: those in the document, and
// those in the fragments that it uses. s.mu is held.
func (s *Server) publish(d *document, found []mapping.Finding) {
	by := map[string][]finding{d.uri: nil}
	project := s.folder(d)
	for _, f := range found {
		uri := uriOf(filepath.Join(d.project, filepath.FromSlash(f.File)))
		if f.File == d.path {
			uri = d.uri // as the editor spells it
		}
		by[uri] = append(by[uri], diagnostic(project, f))
	}
	for uri, of := range s.published {
		if _, still := by[uri]; !still && of[d.uri] != nil {
			by[uri] = nil
		}
	}
	for uri, list := range by {
		if s.published[uri] == nil {
			s.published[uri] = map[string][]finding{}
		}
		s.published[uri][d.uri] = list
		s.announce(uri, d)
	}
}

// announce sends all findings of a file, each once.
func (s *Server) announce(uri string, d *document) {
	all := []finding{}
	seen := map[finding]bool{}
	for _, list := range s.published[uri] {
		for _, f := range list {
			if !seen[f] {
				seen[f] = true
				all = append(all, f)
			}
		}
	}
	params := map[string]any{"uri": uri, "diagnostics": all}
	if uri == d.uri {
		params["version"] = d.version
	}
	err := s.send(map[string]any{"jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": params})
	if err != nil {
		fmt.Fprintln(s.log, "crossdock lsp: the editor does not listen:", err)
	}
}
