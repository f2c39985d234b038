package partner

import (
	"fmt"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/acknowledge"
)

// Reply is an acknowledgement as it is written.
type Reply struct {
	acknowledge.Answer
	// Number is its place in the sequence of what we send; [Partner.ControlNumber]
	// makes the control number of it.
	Number  uint64
	Content []byte
}

// Unanswered says why an acknowledgement is not written.
type Unanswered struct {
	Kind acknowledge.Kind
	// Interchange is the control number of what is not answered; empty for the whole
	// file.
	Interchange string
	// Agreed tells that it is as it should be: nobody has to do anything.
	Agreed bool
	Why    string
}

// Replying is what writing acknowledgements needs besides the agreement.
type Replying struct {
	// Number draws the place of an acknowledgement in the sequence of what we send,
	// and tells the date and time in its envelope. n counts the answers of its kind
	// to the file, from 0, also those that are not due. An error ends the writing.
	Number func(n int, a acknowledge.Answer) (uint64, time.Time, error)
	// Unanswered is told of what is not written; it may be nil.
	Unanswered func(Unanswered)
	// Suffix follows every segment terminator.
	Suffix string
}

// Replies writes the acknowledgements that the agreement asks for to what was
// collected. One that cannot be written does not keep the others back.
func (p *Partner) Replies(c *acknowledge.Collector, with Replying) ([]Reply, error) {
	tell := func(u Unanswered) {
		if with.Unanswered != nil {
			with.Unanswered(u)
		}
	}
	if p.Acknowledge.When == "never" {
		tell(Unanswered{Agreed: true, Why: "the agreement says never (acknowledge.when)"})
	}
	var out []Reply
	for _, kind := range p.Kinds() {
		answers, err := c.Answers(kind)
		if err != nil {
			tell(Unanswered{Kind: kind, Why: err.Error()})
			continue
		}
		for n, a := range answers {
			ic := a.Header()
			not := Unanswered{Kind: kind, Interchange: ic.Control, Agreed: true}
			switch {
			case p.Mismatch(ic) != "":
				not.Why = fmt.Sprintf("interchange %s is not the partner's", ic.Control)
				tell(not)
				continue
			case !p.Due(a, ic.AckWanted):
				not.Why = fmt.Sprintf("%s to interchange %s: the agreement says %s (acknowledge.when)", kind, ic.Control, p.Acknowledge.When)
				tell(not)
				continue
			}
			number, at, err := with.Number(n, a)
			if err != nil {
				return out, fmt.Errorf("drawing a control number for the %s to %s: %w", kind, p.ID, err)
			}
			content, err := a.Write(acknowledge.Options{
				Control: p.ControlNumber(number), At: at, Version: p.Acknowledge.Release, Masked: p.Mask, Suffix: with.Suffix,
			})
			if err != nil {
				not.Agreed, not.Why = false, fmt.Sprintf("%s to interchange %s cannot be written: %v", kind, ic.Control, err)
				tell(not)
				continue
			}
			out = append(out, Reply{Answer: a, Number: number, Content: content})
		}
	}
	return out, nil
}
