package partner

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	agreement "github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
	"github.com/crossdock/crossdock/core/mapping"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testRunner grades for a partner of which everything may come.
func testRunner(t testing.TB, change func(*agreement.Partner)) *runner {
	t.Helper()
	p := agreement.Defaults()
	p.ID, p.Name = "acme", "ACME <b>Outfitters</b>"
	p.Theirs, p.Ours = agreement.Identity{Qualifier: "ZZ", ID: "ACMEOUTFIT"}, agreement.Identity{Qualifier: "08", ID: "9254110060"}
	if change != nil {
		change(&p)
	}
	lib := grammar.Open(grammars.FS())
	g, err := p.Guides(lib)
	must(t, err)
	return &runner{p: &p, library: lib, guides: g, mappings: mapping.Open(os.DirFS(t.TempDir())), at: time.Date(2026, 1, 5, 9, 15, 0, 0, time.UTC)}
}

// order is an interchange with one 850 of these segments.
func order(segments ...string) string {
	return "ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260105*0900*U*00401*000000317*0*T*>~" +
		"GS*PO*ACMEOUTFIT*9254110060*20260105*0900*12*X*004010~ST*850*0001~" + strings.Join(segments, "~") +
		fmt.Sprintf("~SE*%d*0001~GE*1*12~IEA*1*000000317~", len(segments)+2)
}

// graded is the report and the page of files.
func graded(t testing.TB, r *runner, files map[string]string) (*Report, string) {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for _, name := range sorted(files) {
		names = append(names, filepath.Join(dir, name))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o600))
	}
	report, err := r.run(t.Context(), names)
	must(t, err)
	out := filepath.Join(dir, "report.html")
	must(t, r.writePage(out, report))
	b, err := os.ReadFile(out)
	must(t, err)
	return report, string(b)
}

// elements of the page, and the anchors that links in it name.
func elements(t testing.TB, page string) (names map[string]int, links, anchors map[string]bool) {
	t.Helper()
	names, links, anchors = map[string]int{}, map[string]bool{}, map[string]bool{}
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		names[n.Data]++
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "src", a.Key == "style":
				t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
			case a.Key == "href":
				links[a.Val] = true
			case a.Key == "id":
				if anchors["#"+a.Val] {
					t.Errorf("the anchor %s is there twice", a.Val)
				}
				anchors["#"+a.Val] = true
			}
		}
	}
	return names, links, anchors
}

// A hostile sample stays text wherever the page shows something of it.
func TestPageEscapesSamples(t *testing.T) {
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`
	r := testRunner(t, func(p *agreement.Partner) { p.Receive = map[string]agreement.Incoming{"850": {}} })
	ua := strings.NewReplacer(">", ":") // the component separator is not in the way
	x12 := ua.Replace("ISA*00*          *00*          *<x*<b onload=1>    *\"'*</style><svg>  *260105*0900*U*00401*000000317*0*<*>~") +
		"GS*PO*<i>*" + evil + "*20260105*0900*" + evil + "*X*004010~ST*" + evil + "*</td><b>~BEG*00*" + evil + "*" + evil + "**" + evil + "~N1*ST*</pre>" + evil +
		"*92~" + evil + "*a~\x01\x02*\u202e\xff\xfe~PO1*" + evil + "*4x8*EA~SE*9*</td>~GE*1*" + evil + "~IEA*1*<u>~"
	edifact := "UNB+UNOC:3+<b>:14+</dd>:14+260105:0915+<u>'UNH+<s>+ORDERS:D:96A:UN:<i>'BGM+220+" + strings.ReplaceAll(strings.ReplaceAll(evil, "'", "?'"), ":", "?:") + "+9'UNT+3+<s>'UNZ+1+<u>'"
	report, page := graded(t, r, map[string]string{
		"a<script>alert(2)<.edi": x12, "b.edi": edifact, "c.edi": order("BEG*00*SA*</pre><script>alert(3)</script>**20260105", "PO1*1*48*EA*7.25", "CTT*1"),
		"empty.edi": "", "note<img>.txt": "<html><script>alert(4)</script>", "isa.edi": "ISA<script>*",
	})
	if report.Verdict != verdict.Reject {
		t.Errorf("the verdict is %s", report.Verdict)
	}
	names, links, anchors := elements(t, page)
	for _, bad := range []string{"script", "img", "svg", "u", "i", "s", "iframe", "link", "form"} {
		if names[bad] > 0 {
			t.Errorf("the page has <%s>", bad)
		}
	}
	if names["style"] != 1 || names["table"] < 3 || names["html"] != 1 {
		t.Errorf("elements: %v", names)
	}
	for link := range links {
		if !anchors[link] {
			t.Errorf("the link %q leads nowhere", link)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;alert(1)") || !strings.Contains(page, "ACME &lt;b&gt;Outfitters&lt;/b&gt;") {
		t.Error("what was found is not shown")
	}
	for _, hidden := range []string{"\u202e", "\x01", "\x02"} {
		if strings.Contains(page, hidden) {
			t.Errorf("the page holds %q", hidden)
		}
	}
}

// Findings lead to the segment and mark the element at fault.
func TestPageMarksWhatIsWrong(t *testing.T) {
	_, page := graded(t, testRunner(t, nil), map[string]string{
		"order.edi": order("BEG*00*SA*4711**20261305", "N1*ST*DC 4*92", "ZZZ*1", "PO1*1*48*EA*7.25", "CTT*1"),
	})
	for _, want := range []string{
		`BEG\*00\*SA\*4711\*\*<a class="mark reject" href="#f1-n\d" title="[^"]+">20261305</a>~`,
		`N1\*ST\*DC 4\*92\*<a class="mark reject" [^>]+></a>~`, // the missing N104
		`ZZZ\*1~<a class="mark note reject" [^>]+>the standard has no segment ZZZ</a>`,
		`<a href="#f1-s4"><b>BEG05</b></a> <span class="quiet">line 4</span>`,
		`<li id="f1-s4"><span>4</span>`,
		`<code>elements.date</code><small>AK304 8</small><small>AK403 8</small>`,
		`AK4\*5\*373\*8\*20261305~`,
		`<b>997</b> to group 12 of interchange 000000317`,
	} {
		if !regexp.MustCompile(want).MatchString(page) {
			t.Errorf("the page has no %s", want)
		}
	}
}

// The page of a long file stays small, and shows what is wrong at its end.
func TestPageOfLongFile(t *testing.T) {
	segments := []string{"BEG*00*SA*4711**20260105"}
	for i := range 6000 {
		segments = append(segments, fmt.Sprintf("PO1*%d*1*EA*1", i+1))
	}
	segments = append(segments, "CTT*6000", "ZZZ")
	_, page := graded(t, testRunner(t, nil), map[string]string{"long.edi": order(segments...)})
	if !strings.Contains(page, `<a href="#f1-s6006"><b>ZZZ</b></a>`) || !strings.Contains(page, `<li id="f1-s6006">`) {
		t.Error("the finding at the end is not shown")
	}
	if strings.Contains(page, `<li id="f1-s3000">`) || !regexp.MustCompile(`… \d{4} segments …`).MatchString(page) {
		t.Error("the middle of the file is not left out")
	}
}

// FuzzTrial: whatever a sample holds, it is graded and shown.
func FuzzTrial(f *testing.F) {
	f.Add([]byte(order("BEG*00*SA*4711**20260105", "N1*ST*A>B", "PO1*1*48*EA*7.25", "CTT*1")))
	f.Add([]byte("UNA:+.? 'UNB+UNOC:3+A+B+260105:0915+1'UNG+ORDERS+A+B+260105:0915+1+UN+D:96A'UNH+1+ORDERS:D:96A:UN'BGM+220+1+9'UNT+3+1'UNE+1+1'UNZ+1+1'"))
	f.Add([]byte("ISA*00*          *00*          *ZZ*A*ZZ*B*260105*0900*U*00401*1*0*T*>\nIEA*0*1\nGS*PO*A*B\nST*850*1\n"))
	f.Add([]byte("UNH+1+ORDERS:D:96A:UN'UNT+2+1'"))
	f.Add([]byte("STX=ANAA:1+1:A+2:B+260105+1'MHD=1+ORDHDR:9'MTR=2'END=1'"))
	r := testRunner(f, nil)
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := r.grade("a.edi", content)
		must(t, err)
		report := &Report{Partner: "acme", Files: []*File{file}}
		var b bytes.Buffer
		must(t, pageTemplate.Execute(&b, r.page(report)))
		if len(file.Findings) == 0 && file.Verdict == verdict.Reject && len(content) > 0 {
			t.Errorf("rejected without a reason")
		}
	})
}
