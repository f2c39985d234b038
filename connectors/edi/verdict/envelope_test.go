package verdict_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

// file is a whole file with one thing about its envelope or its characters, and
// what is to be said of it.
type file struct {
	class   string
	text    string
	want    verdict.Verdict
	code    string // AK502=4; empty: any
	segment string // empty: any
	element int
	sets    int // how many sets are read, 0: whatever
}

// edit is a copy of segments with one element changed; the tag counts as the
// element 0. The last segment of the tag is taken.
func edit(segments [][]string, tag string, element int, v string) [][]string {
	out := slices.Clone(segments)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i][0] == tag {
			out[i] = put(out[i], element, v)
			break
		}
	}
	return out
}

// drop is a copy without the segments of a tag.
func drop(segments [][]string, tag string) [][]string {
	return slices.DeleteFunc(slices.Clone(segments), func(s []string) bool { return s[0] == tag })
}

// before is a copy with a segment in front of those of a tag.
func before(segments [][]string, tag string, add ...[]string) [][]string {
	i := slices.IndexFunc(segments, func(s []string) bool { return s[0] == tag })
	return slices.Insert(slices.Clone(segments), i, add...)
}

func x12Files(s sample) []file {
	all := s.segments()
	reject := func(class string, segments [][]string, code, segment string, element int) file {
		return file{class: class, text: s.text(segments), want: verdict.Reject, code: code, segment: segment, element: element}
	}
	other := "PO"
	if s.set.Group == other {
		other = "IN"
	}
	out := []file{
		reject("SE01 wrong", edit(all, "SE", 1, "99"), "AK502=4", "SE", 1),
		reject("SE01 no number", edit(all, "SE", 1, "X"), "AK502=4", "SE", 1),
		reject("SE02 differs", edit(all, "SE", 2, "0002"), "AK502=3", "SE", 2),
		reject("ST02 differs", edit(all, "ST", 2, "0002"), "AK502=3", "SE", 2),
		reject("SE missing", drop(all, "SE"), "AK502=2", "SE", 0),
		reject("GE01 wrong", edit(all, "GE", 1, "3"), "AK905=5", "GE", 1),
		reject("GE02 differs", edit(all, "GE", 2, "999"), "AK905=4", "GE", 2),
		reject("GS06 differs", edit(all, "GS", 6, "999"), "AK905=4", "GE", 2),
		reject("GE missing", drop(all, "GE"), "AK905=3", "GE", 0),
		reject("GS01 of another set", edit(all, "GS", 1, other), "AK905=1", "GS", 1),
		reject("IEA01 wrong", edit(all, "IEA", 1, "2"), "TA105=021", "IEA", 1),
		reject("IEA02 differs", edit(all, "IEA", 2, "000009999"), "TA105=001", "IEA", 2),
		reject("ISA13 differs", edit(all, "ISA", 13, "000009999"), "TA105=001", "IEA", 2),
		reject("IEA missing", drop(all, "IEA"), "TA105=023", "IEA", 0),
		reject("GE and IEA missing", drop(drop(all, "IEA"), "GE"), "TA105=023", "IEA", 0),
		reject("all trailers missing", drop(drop(drop(all, "IEA"), "GE"), "SE"), "TA105=023", "IEA", 0),
		reject("ST missing", drop(all, "ST"), "", "", 0),
		reject("GS missing", drop(all, "GS"), "", "", 0),
		reject("ISA missing", drop(all, "ISA"), "", "", 0),
		reject("segment between SE and GE", before(all, "GE", []string{"REF", "IA", "1"}), "", "REF", 0),
		reject("segment between GE and IEA", before(all, "IEA", []string{"REF", "IA", "1"}), "", "REF", 0),
		reject("segment between GS and ST", before(all, "ST", []string{"REF", "IA", "1"}), "", "REF", 0),
		reject("tag in small letters", before(all, "SE", []string{"ref", "IA", "1"}), "AK304=1", "ref", 0),
		reject("empty segment", before(all, "SE", []string{""}), "AK304=1", "", 0),
		{class: "zeros before GE02", text: s.text(edit(all, "GE", 2, "000101")), want: verdict.AcceptWarn, sets: 1},
		{class: "zeros missing in IEA02", text: s.text(edit(all, "IEA", 2, "1001")), want: verdict.AcceptWarn, sets: 1},
		{class: "zeros before SE01", text: s.text(edit(all, "SE", 1, fmt.Sprintf("%06d", len(s.body)+2))), want: verdict.Accept, sets: 1},
		{class: "ISA06 not padded", text: s.text(edit(all, "ISA", 6, "ACMEOUTFIT")), want: verdict.AcceptWarn, sets: 1},
		{class: "ISA02 empty", text: s.text(edit(edit(all, "ISA", 2, ""), "ISA", 4, "")), want: verdict.AcceptWarn, sets: 1},
		{class: "GS08 with an association", text: s.text(edit(all, "GS", 8, s.release+"VICS")), want: verdict.Accept, sets: 1},
		{class: "version without grammar", text: s.text(edit(all, "GS", 8, "003060")), want: verdict.Accept, sets: 1},
		{class: "empty group", text: s.text(edit(drop(drop(slices.Delete(slices.Clone(all), 3, 3+len(s.body)), "ST"), "SE"), "GE", 1, "0")), want: verdict.Accept},
		{class: "TA1 beside a group", text: s.text(before(all, "GS", []string{"TA1", "000000001", "260105", "0915", "A", "000"})), want: verdict.Accept, sets: 1},
	}
	second := edit(all, "ST", 2, "0002")
	second = edit(second, "SE", 2, "0002")
	inner := second[2 : len(second)-2]
	two := before(all, "GE", inner...)
	out = append(out,
		file{class: "two sets", text: s.text(edit(two, "GE", 1, "2")), want: verdict.Accept, sets: 2},
		file{class: "first SE missing", text: s.text(slices.Delete(edit(two, "GE", 1, "2"), 3+len(s.body), 4+len(s.body))), want: verdict.Reject, code: "AK502=2", segment: "SE", sets: 2},
		file{class: "set number twice", text: s.text(edit(before(all, "GE", all[2:len(all)-2]...), "GE", 1, "2")), want: verdict.AcceptWarn, sets: 2},
	)
	group := edit(edit(all, "GS", 6, "102"), "GE", 2, "102")
	out = append(out,
		file{class: "two groups", text: s.text(edit(before(all, "IEA", group[1:len(group)-1]...), "IEA", 1, "2")), want: verdict.Accept, sets: 2},
		file{class: "second group without GE", text: s.text(edit(before(all, "IEA", group[1:len(group)-2]...), "IEA", 1, "2")), want: verdict.Reject, code: "AK905=3", segment: "GE"},
	)
	return out
}

func edifactFiles(s sample) []file {
	all := s.segments()
	reject := func(class string, segments [][]string, code, segment string, element int) file {
		if code != "" {
			code = "0085=" + code
		}
		return file{class: class, text: s.text(segments), want: verdict.Reject, code: code, segment: segment, element: element}
	}
	grouped := func(count, trailer string) [][]string {
		version := strings.Split(all[1][2], ":")
		out := before(all, "UNH", []string{"UNG", s.set.ID, "5412345000013:14", "5498765000017:14", "260105:0915", "7", "UN", version[1] + ":" + version[2]})
		out = before(out, "UNZ", []string{"UNE", count, trailer})
		return out
	}
	second := edit(edit(all, "UNH", 1, "2"), "UNT", 2, "2")
	two := before(all, "UNZ", second[1:len(second)-1]...)
	return []file{
		reject("UNT 0074 wrong", edit(all, "UNT", 1, "99"), "29", "UNT", 1),
		reject("UNT 0062 differs", edit(all, "UNT", 2, "7"), "28", "UNT", 2),
		reject("UNH 0062 differs", edit(all, "UNH", 1, "7"), "28", "UNT", 2),
		reject("UNT missing", drop(all, "UNT"), "13", "UNT", 0),
		reject("UNZ 0036 wrong", edit(all, "UNZ", 1, "4"), "29", "UNZ", 1),
		reject("UNZ 0020 differs", edit(all, "UNZ", 2, "77"), "28", "UNZ", 2),
		reject("UNB 0020 differs", edit(all, "UNB", 5, "77"), "28", "UNZ", 2),
		reject("UNZ missing", drop(all, "UNZ"), "13", "UNZ", 0),
		reject("UNT and UNZ missing", drop(drop(all, "UNT"), "UNZ"), "13", "UNZ", 0),
		reject("UNH missing", drop(all, "UNH"), "", "", 0),
		reject("UNB missing", drop(all, "UNB"), "13", "", 0),
		{class: "UNB missing behind UNA", text: "UNA:+.? '" + s.text(drop(all, "UNB")), want: verdict.Reject, code: "0085=13"},
		reject("segment before UNH", before(all, "UNH", []string{"RFF", "ON:1"}), "33", "RFF", 0),
		reject("segment behind UNT", before(all, "UNZ", []string{"RFF", "ON:1"}), "33", "RFF", 0),
		reject("tag in small letters", before(all, "UNT", []string{"rff", "ON:1"}), "15", "rff", 0),
		reject("UNE 0060 wrong", grouped("3", "7"), "29", "UNE", 1),
		reject("UNE 0048 differs", grouped("1", "8"), "28", "UNE", 2),
		reject("UNE missing", drop(grouped("1", "7"), "UNE"), "13", "UNE", 0),
		{class: "in a group", text: s.text(grouped("1", "7")), want: verdict.Accept, sets: 1},
		{class: "two messages", text: s.text(edit(two, "UNZ", 1, "2")), want: verdict.Accept, sets: 2},
		{class: "first UNT missing", text: s.text(slices.Delete(edit(two, "UNZ", 1, "2"), 2+len(s.body), 3+len(s.body))), want: verdict.Reject, code: "0085=13", segment: "UNT", sets: 2},
		{class: "zeros before UNZ 0020", text: s.text(edit(all, "UNZ", 2, "0001001")), want: verdict.AcceptWarn, sets: 1},
		{class: "UNA", text: "UNA:+.? '" + s.text(all), want: verdict.Accept, sets: 1},
		{class: "UNA with a comma", text: "UNA:+,? '" + s.text(all), want: verdict.Accept, sets: 1},
		{class: "UNA on a line of its own", text: "UNA:+.? '\r\n" + s.text(all), want: verdict.Accept, sets: 1},
		{class: "UNA with other characters", text: "UNA|*.! ~" + strings.NewReplacer(":", "|", "+", "*", "'", "~", "*", "^").Replace(s.text(all)), want: verdict.Accept, sets: 1},
		{class: "message without grammar", text: s.text(edit(all, "UNH", 2, "IFTMIN:D:96A:UN")), want: verdict.Accept, sets: 1},
		{class: "directory without grammar", text: s.text(edit(all, "UNH", 2, "ORDERS:D:93A:UN")), want: verdict.Accept, sets: 1},
	}
}

// characters are the same segments written in other ways.
func characters(s sample) []file {
	plain := s.text(s.segments())
	end := plain[len(plain)-1:]
	lines := func(e string) string { return strings.ReplaceAll(plain, end, e) }
	out := []file{
		{class: "CRLF behind every segment", text: lines(end + "\r\n"), want: verdict.Accept, sets: 1},
		{class: "LF behind every segment", text: lines(end + "\n"), want: verdict.Accept, sets: 1},
		{class: "CR behind every segment", text: lines(end + "\r"), want: verdict.Accept, sets: 1},
		{class: "blank lines between segments", text: lines(end + "\n\n"), want: verdict.Accept, sets: 1},
		{class: "indented segments", text: lines(end + "\n  "), want: verdict.Accept, sets: 1},
		{class: "last terminator missing", text: plain[:len(plain)-1], want: verdict.AcceptWarn, sets: 1},
		{class: "last terminator missing, line end", text: plain[:len(plain)-1] + "\n", want: verdict.AcceptWarn, sets: 1},
		{class: "byte order mark", text: "\xef\xbb\xbf" + plain, want: verdict.AcceptWarn, sets: 1},
		{class: "blank lines before", text: "\r\n\r\n" + plain, want: verdict.AcceptWarn, sets: 1},
		{class: "trailing 0x1A", text: plain + "\x1a", want: verdict.AcceptWarn, sets: 1},
		{class: "trailing 0x1A behind a line end", text: plain + "\r\n\x1a", want: verdict.AcceptWarn, sets: 1},
		{class: "trailing line ends", text: plain + "\r\n\r\n", want: verdict.Accept, sets: 1},
		{class: "text behind the end", text: plain + "\nsent by me", want: verdict.Reject, sets: 1},
		{class: "file cut in the middle", text: plain[:len(plain)*2/3], want: verdict.Reject},
		{class: "no EDI", text: "<Order/>", want: verdict.Reject},
		{class: "nothing", text: "", want: verdict.Reject},
	}
	if s.std != syntax.X12 {
		return out
	}
	other := strings.NewReplacer("*", "|", ":", ">", "^", "!").Replace(plain)
	next := strings.ReplaceAll(other, interchangeNo, "000001002")
	return append(out,
		file{class: "LF is the terminator", text: lines("\n"), want: verdict.Accept, sets: 1},
		file{class: "CRLF is the terminator", text: lines("\r\n"), want: verdict.Accept, sets: 1},
		file{class: "CR is the terminator", text: lines("\r"), want: verdict.Accept, sets: 1},
		file{class: "apostrophe is the terminator", text: lines("'"), want: verdict.Accept, sets: 1},
		file{class: "0x1C is the terminator", text: lines("\x1c"), want: verdict.Accept, sets: 1},
		file{class: "0x85 is the terminator", text: lines("\x85"), want: verdict.Accept, sets: 1},
		file{class: "other separators", text: other, want: verdict.Accept, sets: 1},
		file{class: "two interchanges", text: plain + strings.ReplaceAll(plain, interchangeNo, "000001002"), want: verdict.Accept, sets: 2},
		file{class: "two interchanges with other separators", text: plain + next, want: verdict.Accept, sets: 2},
		file{class: "two interchanges with other terminators", text: plain + "\n" + strings.ReplaceAll(next, "~", "\n"), want: verdict.Accept, sets: 2},
		file{class: "interchange number twice", text: plain + other, want: verdict.AcceptWarn, sets: 2},
		file{class: "first interchange without IEA", text: s.text(drop(s.segments(), "IEA")) + next, want: verdict.Reject, code: "TA105=023", sets: 2},
		file{class: "wrapped at 80 columns", text: wrap(plain, 80), want: verdict.AcceptWarn, sets: 1},
		file{class: "wrapped at 80 columns, CRLF", text: strings.ReplaceAll(wrap(plain, 80), "\n", "\r\n"), want: verdict.AcceptWarn, sets: 1},
		file{class: "literal line ends", text: lines(`~\r\n`), want: verdict.Reject},
	)
}

func wrap(s string, width int) string {
	var b strings.Builder
	for len(s) > width {
		b.WriteString(s[:width] + "\n")
		s = s[width:]
	}
	return b.String() + s
}

// TestOneDefectOfTheEnvelope does for envelopes and characters what TestOneDefect
// does for the contents.
func TestOneDefectOfTheEnvelope(t *testing.T) {
	table := map[string]*[4]int{}
	for i, s := range samples(t) {
		if i%2 == 1 {
			continue // the small ones are enough
		}
		files := characters(s)
		if s.std == syntax.X12 {
			files = append(files, x12Files(s)...)
		} else {
			files = append(files, edifactFiles(s)...)
		}
		for _, f := range files {
			if table[f.class] == nil {
				table[f.class] = &[4]int{}
			}
			row := table[f.class]
			row[0]++
			r := gradeText(t, f.text)
			coded := slices.DeleteFunc(slices.Clone(r.Findings), func(x finding.Finding) bool {
				return x.Severity != finding.Reject || f.code != "" && !hasCode(x, f.code)
			})
			there := f.segment == "" || slices.ContainsFunc(coded, func(x finding.Finding) bool { return x.Segment == f.segment && x.Element == f.element })
			switch {
			case r.Verdict != f.want:
				row[1]++
			case f.want == verdict.Reject && len(coded) == 0:
				row[2]++
			case f.want == verdict.Reject && !there:
				row[3]++
			default:
				continue
			}
			if row[1]+row[2]+row[3] <= 2 {
				t.Errorf("%s, %s: want %s %s at %s%02d, found %s %v", s, f.class, f.want, f.code, f.segment, f.element, r.Verdict, first(r.Findings))
			}
		}
	}
	for _, class := range sortedKeys(intsOf(table)) {
		row := table[class]
		t.Logf("%-42s %4d tested; wrong: %d verdicts, %d codes, %d places", class, row[0], row[1], row[2], row[3])
	}
}
