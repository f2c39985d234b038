package specimen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Envelopes are files with one thing about their headers, trailers or characters.
func (s Sample) Envelopes() []Case {
	if s.Standard == syntax.X12 {
		return append(x12Envelopes(s), characters(s)...)
	}
	return append(edifactEnvelopes(s), characters(s)...)
}

func is(text string) func() string { return func() string { return text } }

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

// inside is a copy with a segment more at the end of the set, which counts it.
func (s Sample) inside(trailer string, add ...string) [][]string {
	return edit(before(s.Segments(), trailer, add), trailer, 1, fmt.Sprint(len(s.Body)+3))
}

// x12Envelopes are X12 files with one thing about their envelopes.
func x12Envelopes(s Sample) []Case {
	all := s.Segments()
	reject := func(class string, segments [][]string, code, segment string, element int) Case {
		return Case{Class: class, Text: is(s.Text(segments)), Verdict: "reject", Code: code, Segment: segment, Element: element}
	}
	other := "PO"
	if s.Set.Group == other {
		other = "IN"
	}
	out := []Case{
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
		reject("GS06 no number", edit(edit(all, "GS", 6, "1A"), "GE", 2, "1A"), "AK905=6", "GS", 6),
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
		reject("tag in small letters", s.inside("SE", "ref", "IA", "1"), "AK304=1", "ref", 0),
		reject("tag of four letters", s.inside("SE", "TEST", "1"), "AK304=1", "TEST", 0),
		reject("tag of one letter", s.inside("SE", "T", "1"), "AK304=1", "T", 0),
		reject("tag that begins with a digit", s.inside("SE", "1AB", "1"), "AK304=1", "1AB", 0),
		reject("unknown tag without grammar", edit(s.inside("SE", "TEST", "1"), "GS", 8, "003060"), "AK304=1", "TEST", 0),
		reject("empty segment", s.inside("SE", ""), "AK304=1", "", 0),
		{Class: "zeros before GE02", Text: is(s.Text(edit(all, "GE", 2, "000101"))), Verdict: "accept-warn", Sets: 1},
		{Class: "zeros missing in IEA02", Text: is(s.Text(edit(all, "IEA", 2, "1001"))), Verdict: "accept-warn", Sets: 1},
		{Class: "zeros before SE01", Text: is(s.Text(edit(all, "SE", 1, fmt.Sprintf("%06d", len(s.Body)+2)))), Verdict: "accept", Sets: 1},
		{Class: "ISA06 not padded", Text: is(s.Text(edit(all, "ISA", 6, "ACMEOUTFIT"))), Verdict: "accept-warn", Sets: 1},
		{Class: "ISA02 empty", Text: is(s.Text(edit(edit(all, "ISA", 2, ""), "ISA", 4, ""))), Verdict: "accept-warn", Sets: 1},
		{Class: "GS08 with an association", Text: is(s.Text(edit(all, "GS", 8, s.Release+"VICS"))), Verdict: "accept", Sets: 1},
		{Class: "version without grammar", Text: is(s.Text(edit(all, "GS", 8, "003060"))), Verdict: "accept", Sets: 1},
		{Class: "empty group", Text: is(s.Text(edit(drop(drop(slices.Delete(slices.Clone(all), 3, 3+len(s.Body)), "ST"), "SE"), "GE", 1, "0"))), Verdict: "accept"},
		{Class: "TA1 beside a group", Text: is(s.Text(before(all, "GS", []string{"TA1", "000000001", "260105", "0915", "A", "000"}))), Verdict: "accept", Sets: 1},
	}
	return append(out, x12Several(s)...)
}

// x12Several are several sets and groups in one interchange.
func x12Several(s Sample) []Case {
	all := s.Segments()
	var out []Case
	second := edit(all, "ST", 2, "0002")
	second = edit(second, "SE", 2, "0002")
	inner := second[2 : len(second)-2]
	two := before(all, "GE", inner...)
	out = append(out,
		Case{Class: "two sets", Text: is(s.Text(edit(two, "GE", 1, "2"))), Verdict: "accept", Sets: 2},
		Case{Class: "first SE missing", Text: is(s.Text(slices.Delete(edit(two, "GE", 1, "2"), 3+len(s.Body), 4+len(s.Body)))), Verdict: "reject", Code: "AK502=2", Segment: "SE", Sets: 2},
		Case{Class: "set number twice", Text: is(s.Text(edit(before(all, "GE", all[2:len(all)-2]...), "GE", 1, "2"))), Verdict: "accept-warn", Sets: 2},
	)
	group := edit(edit(all, "GS", 6, "102"), "GE", 2, "102")
	out = append(out,
		Case{Class: "two groups", Text: is(s.Text(edit(before(all, "IEA", group[1:len(group)-1]...), "IEA", 1, "2"))), Verdict: "accept", Sets: 2},
		Case{Class: "second group without GE", Text: is(s.Text(edit(before(all, "IEA", group[1:len(group)-2]...), "IEA", 1, "2"))), Verdict: "reject", Code: "AK905=3", Segment: "GE"},
	)
	return out
}

// edifactEnvelopes are EDIFACT files with one thing about their envelopes.
func edifactEnvelopes(s Sample) []Case {
	all := s.Segments()
	reject := func(class string, segments [][]string, code, segment string, element int) Case {
		if code != "" {
			code = "0085=" + code
		}
		return Case{Class: class, Text: is(s.Text(segments)), Verdict: "reject", Code: code, Segment: segment, Element: element}
	}
	grouped := func(count, trailer string) [][]string {
		version := strings.Split(all[1][2], ":")
		out := before(all, "UNH", []string{"UNG", s.Set.ID, "5412345000013:14", "5498765000017:14", "260105:0915", "7", "UN", version[1] + ":" + version[2]})
		out = before(out, "UNZ", []string{"UNE", count, trailer})
		return out
	}
	second := edit(edit(all, "UNH", 1, "2"), "UNT", 2, "2")
	two := before(all, "UNZ", second[1:len(second)-1]...)
	return []Case{
		reject("UNT 0074 wrong", edit(all, "UNT", 1, "99"), "29", "UNT", 1),
		reject("UNT 0062 differs", edit(all, "UNT", 2, "7"), "28", "UNT", 2),
		reject("UNH 0062 differs", edit(all, "UNH", 1, "7"), "28", "UNT", 2),
		reject("UNB 0020 missing", edit(edit(all, "UNB", 5, ""), "UNZ", 2, ""), "13", "UNB", 5),
		reject("sender missing", edit(all, "UNB", 2, ""), "13", "UNB", 2),
		reject("receiver missing", edit(all, "UNB", 3, ""), "13", "UNB", 3),
		reject("UNT missing", drop(all, "UNT"), "13", "UNT", 0),
		reject("UNZ 0036 wrong", edit(all, "UNZ", 1, "4"), "29", "UNZ", 1),
		reject("UNZ 0020 differs", edit(all, "UNZ", 2, "77"), "28", "UNZ", 2),
		reject("UNB 0020 differs", edit(all, "UNB", 5, "77"), "28", "UNZ", 2),
		reject("UNZ missing", drop(all, "UNZ"), "13", "UNZ", 0),
		reject("UNT and UNZ missing", drop(drop(all, "UNT"), "UNZ"), "13", "UNZ", 0),
		reject("UNH missing", drop(all, "UNH"), "", "", 0),
		reject("UNB missing", drop(all, "UNB"), "13", "", 0),
		{Class: "UNB missing behind UNA", Text: is("UNA:+.? '" + s.Text(drop(all, "UNB"))), Verdict: "reject", Code: "0085=13"},
		reject("segment before UNH", before(all, "UNH", []string{"RFF", "ON:1"}), "33", "RFF", 0),
		reject("segment behind UNT", before(all, "UNZ", []string{"RFF", "ON:1"}), "33", "RFF", 0),
		reject("tag in small letters", s.inside("UNT", "rff", "ON:1"), "15", "rff", 0),
		reject("tag of four letters", s.inside("UNT", "TEST", "1"), "15", "TEST", 0),
		reject("tag of two letters", s.inside("UNT", "TE", "1"), "15", "TE", 0),
		reject("UNE 0060 wrong", grouped("3", "7"), "29", "UNE", 1),
		reject("UNE 0048 differs", grouped("1", "8"), "28", "UNE", 2),
		reject("UNE missing", drop(grouped("1", "7"), "UNE"), "13", "UNE", 0),
		{Class: "in a group", Text: is(s.Text(grouped("1", "7"))), Verdict: "accept", Sets: 1},
		{Class: "two messages", Text: is(s.Text(edit(two, "UNZ", 1, "2"))), Verdict: "accept", Sets: 2},
		{Class: "first UNT missing", Text: is(s.Text(slices.Delete(edit(two, "UNZ", 1, "2"), 2+len(s.Body), 3+len(s.Body)))), Verdict: "reject", Code: "0085=13", Segment: "UNT", Sets: 2},
		{Class: "zeros before UNZ 0020", Text: is(s.Text(edit(all, "UNZ", 2, "0001001"))), Verdict: "accept-warn", Sets: 1},
		{Class: "UNA", Text: is("UNA:+.? '" + s.Text(all)), Verdict: "accept", Sets: 1},
		{Class: "UNA with a comma", Text: is("UNA:+,? '" + s.Text(all)), Verdict: "accept", Sets: 1},
		{Class: "UNA on a line of its own", Text: is("UNA:+.? '\r\n" + s.Text(all)), Verdict: "accept", Sets: 1},
		{Class: "UNA with other characters", Text: is("UNA|*.! ~" + strings.NewReplacer(":", "|", "+", "*", "'", "~", "*", "^").Replace(s.Text(all))), Verdict: "accept", Sets: 1},
		{Class: "message without grammar", Text: is(s.Text(edit(all, "UNH", 2, "IFTMIN:D:96A:UN"))), Verdict: "accept", Sets: 1},
		{Class: "directory without grammar", Text: is(s.Text(edit(all, "UNH", 2, "ORDERS:D:93A:UN"))), Verdict: "accept", Sets: 1},
	}
}

// characters are the same segments written in other ways.
func characters(s Sample) []Case {
	plain := s.Text(s.Segments())
	end := plain[len(plain)-1:]
	lines := func(e string) string { return strings.ReplaceAll(plain, end, e) }
	out := []Case{
		{Class: "CRLF behind every segment", Text: is(lines(end + "\r\n")), Verdict: "accept", Sets: 1},
		{Class: "LF behind every segment", Text: is(lines(end + "\n")), Verdict: "accept", Sets: 1},
		{Class: "CR behind every segment", Text: is(lines(end + "\r")), Verdict: "accept", Sets: 1},
		{Class: "blank lines between segments", Text: is(lines(end + "\n\n")), Verdict: "accept", Sets: 1},
		{Class: "indented segments", Text: is(lines(end + "\n  ")), Verdict: "accept", Sets: 1},
		{Class: "last terminator missing", Text: is(plain[:len(plain)-1]), Verdict: "accept-warn", Sets: 1},
		{Class: "last terminator missing, line end", Text: is(plain[:len(plain)-1] + "\n"), Verdict: "accept-warn", Sets: 1},
		{Class: "byte order mark", Text: is("\xef\xbb\xbf" + plain), Verdict: "accept-warn", Sets: 1},
		{Class: "blank lines before", Text: is("\r\n\r\n" + plain), Verdict: "accept-warn", Sets: 1},
		{Class: "trailing 0x1A", Text: is(plain + "\x1a"), Verdict: "accept-warn", Sets: 1},
		{Class: "trailing 0x1A behind a line end", Text: is(plain + "\r\n\x1a"), Verdict: "accept-warn", Sets: 1},
		{Class: "trailing line ends", Text: is(plain + "\r\n\r\n"), Verdict: "accept", Sets: 1},
		{Class: "text behind the end", Text: is(plain + "\nsent by me"), Verdict: "reject", Sets: 1},
		{Class: "file cut in the middle", Text: is(plain[:len(plain)*2/3]), Verdict: "reject"},
		{Class: "no EDI", Text: is("<Order/>"), Verdict: "reject"},
		{Class: "nothing", Text: is(""), Verdict: "reject"},
	}
	if s.Standard != syntax.X12 {
		return out
	}
	other := strings.NewReplacer("*", "|", ":", ">", "^", "!").Replace(plain)
	next := strings.ReplaceAll(other, interchangeNo, "000001002")
	return append(out,
		Case{Class: "LF is the terminator", Text: is(lines("\n")), Verdict: "accept", Sets: 1},
		Case{Class: "CRLF is the terminator", Text: is(lines("\r\n")), Verdict: "accept", Sets: 1},
		Case{Class: "CR is the terminator", Text: is(lines("\r")), Verdict: "accept", Sets: 1},
		Case{Class: "apostrophe is the terminator", Text: is(lines("'")), Verdict: "accept", Sets: 1},
		Case{Class: "0x1C is the terminator", Text: is(lines("\x1c")), Verdict: "accept", Sets: 1},
		Case{Class: "0x85 is the terminator", Text: is(lines("\x85")), Verdict: "accept", Sets: 1},
		Case{Class: "other separators", Text: is(other), Verdict: "accept", Sets: 1},
		Case{Class: "two interchanges", Text: is(plain + strings.ReplaceAll(plain, interchangeNo, "000001002")), Verdict: "accept", Sets: 2},
		Case{Class: "two interchanges with other separators", Text: is(plain + next), Verdict: "accept", Sets: 2},
		Case{Class: "two interchanges with other terminators", Text: is(plain + "\n" + strings.ReplaceAll(next, "~", "\n")), Verdict: "accept", Sets: 2},
		Case{Class: "interchange number twice", Text: is(plain + other), Verdict: "accept-warn", Sets: 2},
		Case{Class: "first interchange without IEA", Text: is(s.Text(drop(s.Segments(), "IEA")) + next), Verdict: "reject", Code: "TA105=023", Sets: 2},
		Case{Class: "wrapped at 80 columns", Text: is(wrap(plain, 80)), Verdict: "accept-warn", Sets: 1},
		Case{Class: "wrapped at 80 columns, CRLF", Text: is(strings.ReplaceAll(wrap(plain, 80), "\n", "\r\n")), Verdict: "accept-warn", Sets: 1},
		Case{Class: "literal line ends", Text: is(lines(`~\r\n`)), Verdict: "reject"},
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
