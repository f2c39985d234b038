// Package verdict grades whole EDI files: whether they would be accepted, what
// their envelope is like, and everything that was found.
package verdict

import (
	"io"
	"slices"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// Verdict is what becomes of a file.
type Verdict string

// The verdicts.
const (
	Accept     Verdict = "accept"
	AcceptWarn Verdict = "accept-warn" // tolerable deviations
	Reject     Verdict = "reject"      // at least one part is not used
)

// Condition is what the envelopes of a file are like.
type Condition string

// The conditions.
const (
	Clean     Condition = "clean"
	Tolerable Condition = "tolerable"
	Broken    Condition = "broken"
)

// Report is the grade of one file. Scripts rely on its JSON.
type Report struct {
	File     string            `json:"file"`
	Verdict  Verdict           `json:"verdict"`
	Envelope Condition         `json:"envelope"`
	Standard string            `json:"standard"` // X12, EDIFACT or TRADACOMS; empty for other files
	Sets     []string          `json:"sets"`     // identifiers, each once, in order
	Findings []finding.Finding `json:"findings"`
	// More is how many findings were left out.
	More int `json:"more,omitempty"`
}

// maxFindings bounds a report.
const maxFindings = 1000

// Grade reads a stream to its end. The error is the stream's.
func Grade(name string, r io.Reader, v *validate.Validator) (Report, error) {
	c := &collector{report: Report{File: name, Verdict: Accept, Envelope: Clean, Sets: []string{}, Findings: []finding.Finding{}}}
	err := v.Run(r, c)
	return c.report, err
}

// collector turns events into a report.
type collector struct {
	validate.Ignore
	report Report
}

func (c *collector) BeginInterchange(ic *validate.Interchange) error {
	c.report.Standard = ic.Standard.String()
	return nil
}

func (c *collector) BeginSet(s *validate.Set) error {
	const most = 100
	if !slices.Contains(c.report.Sets, s.ID) && len(c.report.Sets) < most {
		c.report.Sets = append(c.report.Sets, s.ID)
	}
	return nil
}

func (c *collector) Finding(f finding.Finding) error {
	outside := f.Level == finding.Tokens || f.Level == finding.Envelope
	switch f.Severity {
	case finding.Reject:
		c.report.Verdict = Reject
		if outside {
			c.report.Envelope = Broken
		}
	case finding.Warning:
		if c.report.Verdict == Accept {
			c.report.Verdict = AcceptWarn
		}
		if outside && c.report.Envelope == Clean && f.Code != finding.TrailingSeparators {
			c.report.Envelope = Tolerable
		}
	}
	if len(c.report.Findings) == maxFindings {
		c.report.More++
		return nil
	}
	c.report.Findings = append(c.report.Findings, f)
	return nil
}
