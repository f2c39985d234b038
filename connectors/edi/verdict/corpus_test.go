package verdict_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

// Two sets of files are graded here. Those under testdata/derived are of our own
// making: each is valid or has exactly one defect, whose code and place are known.
// A larger one of real documents, third-party data that is not part of the
// project, is graded when it is there: in ../shared/edi-corpus beside the
// project, or in the folder that CROSSDOCK_EDI_CORPUS names.

var library = grammar.Open(grammars.FS())

func grade(t *testing.T, file string) verdict.Report {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := verdict.Grade(filepath.Base(file), f, &validate.Validator{Grammars: library})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// manifest reads a table with a row a file, by column name.
func manifest(t *testing.T, file string) []map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		out = append(out, m)
	}
	return out
}

// score counts how often something was right.
type score struct{ right, of int }

func (s *score) count(right bool) {
	s.of++
	if right {
		s.right++
	}
}

func (s score) percent() float64 { return 100 * float64(s.right) / float64(max(s.of, 1)) }
func (s score) String() string   { return fmt.Sprintf("%d of %d, %.1f %%", s.right, s.of, s.percent()) }

func TestDerivedFiles(t *testing.T) {
	var verdicts, codes, places score
	for _, row := range manifest(t, "testdata/MANIFEST-derived.tsv") {
		r := grade(t, filepath.Join("testdata", row["path"]))
		want, _, _ := strings.Cut(row["verdict"], "-2nd")
		ok := string(r.Verdict) == want
		verdicts.count(ok)
		var wrong []string
		if !ok {
			wrong = append(wrong, fmt.Sprintf("verdict %s, want %s", r.Verdict, want))
		}
		if want == "reject" && strings.Contains(row["expected_code"], "=") {
			found := slices.DeleteFunc(slices.Clone(r.Findings), func(f finding.Finding) bool {
				return f.Severity != finding.Reject || !hasCode(f, row["expected_code"])
			})
			codes.count(len(found) > 0)
			if len(found) == 0 {
				wrong = append(wrong, "no finding with "+row["expected_code"])
			}
			right := slices.ContainsFunc(found, func(f finding.Finding) bool { return standsAt(f, row["where"]) })
			places.count(right)
			if !right {
				wrong = append(wrong, "no finding at "+row["where"])
			}
		}
		if len(wrong) > 0 {
			t.Logf("%s (%s): %s; found %v", row["path"], row["defect"], strings.Join(wrong, ", "), r.Findings)
		}
	}
	t.Logf("verdicts right: %s; codes: %s; places: %s", verdicts, codes, places)
	if verdicts.percent() < 99 || codes.percent() < 97 || places.percent() < 95 {
		t.Errorf("want verdicts right for 99 %%, codes for 97 %%, places for 95 %%")
	}
}

// hasCode tells whether a finding reports one of "AK905=1 / AK502=6".
func hasCode(f finding.Finding, expected string) bool {
	have := map[string]string{"AK304": f.AK304, "AK403": f.AK403, "AK502": f.AK502, "AK905": f.AK905, "TA105": f.TA105, "0085": f.EDIFACT}
	same := map[string]string{"6": "1", "7": "2"} // 1 and 6, 2 and 7 tell the same
	for _, one := range strings.Split(expected, " / ") {
		name, value, _ := strings.Cut(one, "=")
		got := have[name]
		if name == "AK304" {
			if s, ok := same[got]; ok {
				got = s
			}
			if s, ok := same[value]; ok {
				value = s
			}
		}
		if got == value {
			return true
		}
	}
	return false
}

var (
	segmentElement = regexp.MustCompile(`^([A-Z][A-Z0-9]{1,2}?)([0-9]{2})?\b`)
	serviceElement = map[string]int{"UNT/0074": 1, "UNT/0062": 2, "UNZ/0036": 1, "UNZ/0020": 2}
)

// standsAt compares a finding's place with a manifest's words: "BEG01 seg 2",
// "QQQ at seg 3", "UNT/0074", "QTY C186.6060", "set 0001".
func standsAt(f finding.Finding, where string) bool {
	if n, ok := serviceElement[where]; ok {
		return f.Segment == where[:3] && f.Element == n
	}
	if m := segmentElement.FindStringSubmatch(where); m != nil {
		if f.Segment != m[1] {
			return false
		}
		if m[2] != "" {
			n, _ := strconv.Atoi(m[2])
			return f.Element == n
		}
	}
	if _, position, ok := strings.Cut(where, "seg "); ok {
		n, _ := strconv.Atoi(position)
		return f.Position == n
	}
	return true
}

// mislabelled are files whose label in the corpus' manifest is wrong.
var mislabelled = map[string]string{
	"EDIandXML+OBOE/0019_testFiles_Tradacoms.edi":                                                        "its third message has no MTR",
	"irobayna+stupidedi/0614_xtures_004010_X348_SC810_Aerospace_Industry_Invoice_pass_basic-invoice.edi": "an 810 in a group SC (GS01), which is that of 832",
	"irobayna+stupidedi/0620_space_Industry_Purchase_Order_Acknowledgment_pass_po-ack-minor-changes.edi": "an 855 in a group SC (GS01), and ACK02 without ACK03 (P0203)",
	"irobayna+stupidedi/0621_ospace_Industry_Purchase_Order_Acknowledgment_pass_po-ack-ship-details.edi": "an 855 in a group SC (GS01)",
}

func TestRealFiles(t *testing.T) {
	root := os.Getenv("CROSSDOCK_EDI_CORPUS")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "edi-corpus")
	}
	if _, err := os.Stat(filepath.Join(root, "MANIFEST.tsv")); err != nil {
		t.Skipf("the corpus of real files is not there (%s): set CROSSDOCK_EDI_CORPUS to its folder", root)
	}
	table := map[string]int{}
	var clean, tolerable, broken score
	for _, row := range manifest(t, filepath.Join(root, "MANIFEST.tsv")) {
		r := grade(t, filepath.Join(root, row["path"]))
		table[fmt.Sprintf("%-11s with envelope %-9s: %s/%s", row["verdict"], row["env"], r.Verdict, r.Envelope)]++
		right := true
		switch {
		case row["env"] == "broken":
			right = r.Verdict == verdict.Reject
		case row["verdict"] == "accept":
			right = r.Verdict != verdict.Reject
		case row["verdict"] == "accept-warn":
			right = r.Verdict == verdict.AcceptWarn
		}
		if why := mislabelled[row["path"]]; why != "" {
			t.Logf("%s: labelled %s, but %s: graded %s", row["path"], row["verdict"], why, r.Verdict)
			continue
		}
		switch {
		case row["env"] == "broken":
			broken.count(right)
		case row["verdict"] == "accept":
			clean.count(right)
		case row["verdict"] == "accept-warn":
			tolerable.count(right)
		}
		if !right {
			t.Logf("%s: labelled %s/%s (%s), graded %s/%s: %.3v", row["path"], row["verdict"], row["env"], row["confidence"], r.Verdict, r.Envelope, first(r.Findings))
		}
	}
	for _, line := range sortedKeys(table) {
		t.Logf("%4d %s", table[line], line)
	}
	t.Logf("clean files accepted: %s; tolerable ones with a warning: %s; broken envelopes rejected: %s", clean, tolerable, broken)
	if clean.percent() < 99 || tolerable.percent() < 98 || broken.percent() < 99 {
		t.Error("want 99 % of the clean files accepted, 98 % of the tolerable ones with a warning, 99 % of the broken ones rejected")
	}
}

func first(fs []finding.Finding) []finding.Finding {
	fs = slices.DeleteFunc(slices.Clone(fs), func(f finding.Finding) bool { return f.Severity == finding.Info })
	return fs[:min(3, len(fs))]
}

func sortedKeys(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
