package acknowledge

import (
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Actions of CONTRL (data element 0083).
const (
	refusedAction  = "4" // this level and all below it
	acceptedAction = "7" // this level, the next if not refused explicitly
)

// contrl answers an interchange (CONTRL D.3 of the syntax rules, version 3).
func contrl(i *interchange, o Options) ([]byte, error) {
	d := i.head.Delimiters
	w := syntax.NewWriter(d, o.Suffix)
	if d != (syntax.Delimiters{Segment: '\'', Element: '+', Component: ':', Release: '?', Decimal: '.'}) {
		release, repetition := d.Release, d.Repetition
		if release == 0 {
			release = ' '
		}
		if repetition == 0 {
			repetition = ' '
		}
		w.Raw("UNA" + string([]byte{d.Component, d.Element, d.Decimal, release, repetition, d.Segment}))
	}
	control := strconv.FormatUint(o.Control, 10)
	h := i.head
	identifier, version, _ := strings.Cut(h.Version, " ")
	if identifier == "" {
		identifier, version = "UNOC", "3"
	}
	w.Begin("UNB").Composite(identifier, version).Composite(h.Receiver.ID, h.Receiver.Qualifier).Composite(h.Sender.ID, h.Sender.Qualifier).
		Composite(o.At.Format("060102"), o.At.Format("1504")).Element(control).End()
	w.Begin("UNH").Element("1").Composite("CONTRL", "D", "3", "UN").End()
	segments := 1
	write := func(tag string) *syntax.Writer {
		segments++
		return w.Begin(tag)
	}
	action := acceptedAction
	if h.Rejected {
		action = refusedAction
	}
	uci := write("UCI").Element(h.Control).Composite(h.Sender.ID, h.Sender.Qualifier).Composite(h.Receiver.ID, h.Receiver.Qualifier).Element(action)
	syntaxError(uci, i.findings)
	uci.End()
	for _, s := range i.all() {
		if s.id == string(CONTRL) {
			continue
		}
		message(write, s, h.Rejected)
	}
	w.Begin("UNT").Element(strconv.Itoa(segments + 1)).Element("1").End()
	w.Begin("UNZ").Element("1").Element(control).End()
	return w.Bytes()
}

// all are the messages, those in groups too.
func (i *interchange) all() []*set {
	out := i.sets
	for _, g := range i.groups {
		out = append(out, g.sets...)
	}
	return out
}

// message reports a message that is not simply accepted.
func message(write func(string) *syntax.Writer, s *set, refused bool) {
	action := acceptedAction
	if s.rejected || refused {
		action = refusedAction
	}
	version, release := "", s.release
	if len(release) > 1 {
		version, release = release[:1], release[1:]
	}
	ucm := write("UCM").Element(s.control).Composite(s.id, version, release, "UN", s.association).Element(action)
	var envelope, body []finding.Finding
	for _, f := range s.findings {
		if f.Level == finding.Envelope {
			envelope = append(envelope, f)
		} else {
			body = append(body, f)
		}
	}
	syntaxError(ucm, envelope)
	ucm.End()
	last := 0
	for _, f := range body {
		if f.Severity != finding.Reject || f.EDIFACT == "" {
			continue
		}
		if f.Position != last {
			ucs := write("UCS").Element(strconv.Itoa(f.Position))
			if f.Element == 0 {
				ucs.Element(f.EDIFACT)
			}
			ucs.End()
			last = f.Position
		}
		if f.Element > 0 {
			component := ""
			if f.Component > 0 {
				component = strconv.Itoa(f.Component)
			}
			// Element 1 is the segment's tag in CONTRL's count (0098).
			write("UCD").Element(f.EDIFACT).Composite(strconv.Itoa(f.Element+1), component).End()
		}
	}
}

// syntaxError adds error, service segment and place of the first finding.
func syntaxError(w *syntax.Writer, fs []finding.Finding) {
	for _, f := range fs {
		if f.Severity != finding.Reject || f.EDIFACT == "" {
			continue
		}
		w.Element(f.EDIFACT).Element(f.Segment)
		if f.Element > 0 {
			w.Element(strconv.Itoa(f.Element + 1))
		}
		return
	}
}
