package acknowledge

import (
	"fmt"
	"strconv"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// envelope begins the answer to an X12 interchange: its sender is our receiver.
func envelope(i *interchange, o Options, version string) (*syntax.Writer, echo, error) {
	const most = 999_999_999
	e := x12Echo(i.head.Delimiters, version)
	if o.Control < 1 || o.Control > most {
		return nil, e, fmt.Errorf("the control number %d does not fit ISA13, 1 to %d", o.Control, most)
	}
	eleven := "U"
	if version == "00501" {
		eleven = string([]byte{e.d.Repetition})
	}
	h := i.head
	usage := h.Usage
	if usage != "T" && usage != "I" {
		usage = "P"
	}
	w := syntax.NewWriter(e.d, o.Suffix)
	w.Begin("ISA").Fixed("00").Fixed(e.fixed("", 10)).Fixed("00").Fixed(e.fixed("", 10)).
		Fixed(e.fixed(h.Receiver.Qualifier, 2)).Fixed(e.fixed(h.Receiver.ID, 15)).Fixed(e.fixed(h.Sender.Qualifier, 2)).Fixed(e.fixed(h.Sender.ID, 15)).
		Fixed(o.At.Format("060102")).Fixed(o.At.Format("1504")).Fixed(eleven).Fixed(version).Fixed(fmt.Sprintf("%09d", o.Control)).
		Fixed("0").Fixed(usage).Fixed(string([]byte{e.d.Component})).End()
	return w, e, nil
}

func finish(w *syntax.Writer, o Options, groups int) ([]byte, error) {
	w.Begin("IEA").Element(strconv.Itoa(groups)).Element(fmt.Sprintf("%09d", o.Control)).End()
	return w.Bytes()
}

// Notes of TA1 (data element I18).
const (
	noError        = "000"
	invalidContent = "024"
)

// ta1 answers the interchange as such (X12.56): accepted, accepted with errors, or
// refused, and the first of the reasons.
func ta1(i *interchange, o Options) ([]byte, error) {
	version := "00401"
	if i.head.Version >= "00501" && len(i.head.Version) == len(version) {
		version = "00501"
	}
	w, e, err := envelope(i, o, version)
	if err != nil {
		return nil, err
	}
	status, note := "A", noError
	for _, f := range i.findings {
		if f.TA105 == "" || i.head.Rejected && f.Severity != finding.Reject {
			continue
		}
		status, note = "E", f.TA105
		break
	}
	if i.head.Rejected {
		status = "R"
		if note == noError {
			note = invalidContent
		}
	}
	w.Begin("TA1").Element(zeros(digits(i.head.Control, 9), 9)).Element(e.needed(i.head.Date, 6, 6)).Element(e.needed(i.head.Time, 4, 4)).Element(status).Element(note).End()
	return finish(w, o, 0)
}
