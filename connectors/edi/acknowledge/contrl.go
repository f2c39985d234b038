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

// report is a CONTRL being written.
type report struct {
	w        *syntax.Writer
	e        echo
	four     bool // syntax version 4
	segments int
}

func (r *report) begin(tag string) *syntax.Writer {
	r.segments++
	return r.w.Begin(tag)
}

// contrl answers an interchange (CONTRL D.3 of the syntax rules, version 3, and
// CONTRL 4.1 of version 4). Its sender is our receiver; UCI repeats both as they
// were.
func contrl(i *interchange, o Options) ([]byte, error) {
	h := i.head
	e := edifactEcho(h.Delimiters)
	identifier, version, _ := strings.Cut(h.Version, " ")
	// A reader of version 4 has a repetition separator, whatever stands in the header.
	if len(identifier) != 4 || len(version) != 1 || version >= "4" && e.d.Repetition == 0 {
		identifier, version = "UNOC", "3"
	}
	r := &report{w: syntax.NewWriter(e.d, o.Suffix), e: e, four: version >= "4"}
	usual := edifactDefaults
	if r.four {
		usual.Repetition = '*'
	}
	if e.d != usual {
		repetition := e.d.Repetition
		if repetition == 0 {
			repetition = ' '
		}
		r.w.Raw("UNA" + string([]byte{e.d.Component, e.d.Element, '.', e.d.Release, repetition, e.d.Segment}))
	}
	r.header(i, o, identifier, version)
	action := acceptedAction
	if h.Rejected {
		action = refusedAction
	}
	uci := r.begin("UCI").Element(e.text(h.Control, 1, 14)).Composite(r.party(h.Sender.ID, h.Sender.Qualifier)...).
		Composite(r.party(h.Receiver.ID, h.Receiver.Qualifier)...).Element(action)
	r.syntaxError(uci, i.findings)
	uci.End()
	for _, s := range i.sets {
		r.message(s, h.Rejected)
	}
	for _, g := range i.groups {
		r.group(g, h.Rejected)
	}
	control := strconv.FormatUint(o.Control, 10)
	r.w.Begin("UNT").Element(strconv.Itoa(r.segments + 1)).Element("1").End()
	r.w.Begin("UNZ").Element("1").Element(control).End()
	return r.w.Bytes()
}

// header writes UNB and UNH.
func (r *report) header(i *interchange, o Options, identifier, version string) {
	h, day := i.head, "060102"
	message := []string{"CONTRL", "D", "3", "UN"}
	if r.four {
		day, message = "20060102", []string{"CONTRL", "4", "1", "UN"}
	}
	unb := r.w.Begin("UNB").Composite(identifier, version).Composite(r.party(h.Receiver.ID, h.Receiver.Qualifier)...).
		Composite(r.party(h.Sender.ID, h.Sender.Qualifier)...).Composite(o.At.Format(day), o.At.Format("1504")).Element(strconv.FormatUint(o.Control, 10))
	if h.Usage == "1" {
		// An answer to a test is one (0035).
		unb.Element("").Element("").Element("").Element("").Element("").Element("1")
	}
	unb.End()
	r.begin("UNH").Element("1").Composite(message...).End()
}

func (r *report) party(id, qualifier string) []string {
	if id = r.e.text(id, 1, 35); id == "" {
		return nil
	}
	return []string{id, r.e.text(qualifier, 0, 4)}
}

// group reports a functional group and its messages.
func (r *report) group(g *group, refused bool) {
	refused = refused || g.head.Rejected
	action := acceptedAction
	if refused {
		action = refusedAction
	}
	ucf := r.begin("UCF").Element(r.e.needed(g.head.Control, 1, 14)).Composite(r.party(g.head.Sender, g.head.SenderQualifier)...).
		Composite(r.party(g.head.Receiver, g.head.ReceiverQualifier)...).Element(action)
	r.syntaxError(ucf, g.findings)
	ucf.End()
	for _, s := range g.sets {
		r.message(s, refused)
	}
}

// message reports a message; CONTRL is never answered.
func (r *report) message(s *set, refused bool) {
	if s.id == string(CONTRL) {
		return
	}
	action := acceptedAction
	if s.rejected || refused {
		action = refusedAction
	}
	ucm := r.begin("UCM").Element(r.e.text(s.control, 0, 14)).Composite(r.identifier(s)...).Element(action)
	var envelope, body []finding.Finding
	for _, f := range s.findings {
		switch {
		case f.Severity != finding.Reject || f.EDIFACT == "":
		case f.Level == finding.Envelope:
			envelope = append(envelope, f)
		default:
			body = append(body, f)
		}
	}
	r.syntaxError(ucm, envelope)
	ucm.End()
	r.faults(body)
}

// identifier is S009 as it was, nothing when it is not whole.
func (r *report) identifier(s *set) []string {
	most := [...]int{6, 3, 3, 3, 6, 6, 6}
	const needed = 4
	out := make([]string, 0, len(most))
	for n, v := range s.message {
		v = r.e.text(v, 0, most[n])
		if v == "" && n < needed {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// faults reports segments (UCS) and their elements (UCD).
func (r *report) faults(body []finding.Finding) {
	last, coded := 0, false
	for _, f := range body {
		if f.Position != last || f.Element == 0 && coded {
			at := f.Position
			if f.Code == finding.MissingSegment || f.Code == finding.PartnerMissingSegment {
				at = max(1, at-1) // 0096: the last segment before the gap
			}
			ucs := r.begin("UCS").Element(strconv.Itoa(at))
			if f.Element == 0 {
				ucs.Element(f.EDIFACT)
			}
			ucs.End()
			last, coded = f.Position, true
		}
		if f.Element > 0 {
			// Element 1 is the segment's tag in CONTRL's count (0098).
			r.begin("UCD").Element(f.EDIFACT).Composite(r.place(f)...).End()
		}
	}
}

func (r *report) place(f finding.Finding) []string {
	const most = 999
	out := []string{strconv.Itoa(min(f.Element+1, most)), "", ""}
	if f.Component > 0 {
		out[1] = strconv.Itoa(min(f.Component, most))
	}
	if r.four && f.Repeat > 1 {
		out[2] = strconv.Itoa(min(f.Repeat, 999_999))
	}
	return out
}

// syntaxError adds error, service segment and place of the first finding.
func (r *report) syntaxError(w *syntax.Writer, fs []finding.Finding) {
	for _, f := range fs {
		if f.Severity != finding.Reject || f.EDIFACT == "" {
			continue
		}
		service := f.Segment
		if len(service) != 3 || service[:2] != "UN" {
			service = ""
		}
		w.Element(f.EDIFACT).Element(service)
		if service != "" && f.Element > 0 {
			w.Composite(r.place(f)...)
		}
		return
	}
}
