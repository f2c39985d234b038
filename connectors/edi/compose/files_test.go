package compose_test

import (
	"bytes"
	"strings"
	"testing"
)

// TestHabitsComeBack writes files back that are unusual, but clean.
func TestHabitsComeBack(t *testing.T) {
	const x12 = "ISA*00*          *00*          *ZZ*ACMEOUTFIT     *08*9254110060     *260105*0900*U*00401*000000317*0*P*>~\nGS*PO*ACME*RETAILER*20260105*0900*12*X*004010~\nST*850*0001~\n" +
		"BEG*00*SA*4711**20260105~\nPO1*1*48*EA*7.25**UK*00614141000012~\nSE*4*0001~\nGE*1*12~\nIEA*1*000000317~\n"
	const edifact = "UNB+UNOC:3+A:14+B:14+260105:0900+317'\nUNH+1+ORDERS:D:96A:UN'\nBGM+220+4711+9'\nDTM+137:20260105:102'\nLIN+1'\nPRI+AAA:7.25'\nUNS+S'\nUNT+7+1'\nUNZ+1+317'\n"
	x := strings.NewReplacer
	for name, file := range map[string]string{
		"X12":                        x12,
		"a password":                 x("ISA*00*          *00*          ", "ISA*03*SECRET    *01*PASSWORD  ").Replace(x12),
		"a repetition separator":     x("*U*00401*", "*^*00402*").Replace(x12),
		"an acknowledgement wanted":  x("*000000317*0*P*", "*000000317*1*T*").Replace(x12),
		"an implementation":          x("*004010~", "*004010VICS~", "ST*850*0001", "ST*850*0001*004010VICS").Replace(x12),
		"other separators":           x("*", "|", ">", "\\", "~", "^").Replace(x12),
		"CR LF is the terminator":    x("~\n", "\r\n").Replace(x12),
		"LF is the terminator":       x("~\n", "\n").Replace(x12),
		"CR LF behind it":            x("~\n", "~\r\n").Replace(x12),
		"no lines":                   x("~\n", "~").Replace(x12),
		"two interchanges":           x12 + x("000000317", "000000318", "*", "+").Replace(x12),
		"two groups":                 x("GE*1*12~\nIEA*1", "GE*1*12~\nGS*PO*ACME*RETAILER*20260105*0900*13*X*004010~\nST*850*0001~\nBEG*00*SA*4712**20260105~\nPO1*1~\nSE*4*0001~\nGE*1*13~\nIEA*2").Replace(x12),
		"zeros in front":             x("PO1*1*48*EA*7.25*", "PO1*01*048*EA*07.250*").Replace(x12),
		"ISO 8859-1":                 x("PO1*1*48", "N1*ST*M\xfcller*92*\xc4\xd6~\nPO1*1*48", "SE*4", "SE*5").Replace(x12),
		"UTF-8":                      x("PO1*1*48", "N1*ST*Müller 鞋~\nPO1*1*48", "SE*4", "SE*5").Replace(x12),
		"the same name twice":        x("PO1*1*48", "N1*ST*A~\nN1*BT*B~\nN1*ST*C~\nN1*QX*D~\nN1*VN*E~\nPO1*1*48", "SE*4", "SE*9").Replace(x12),
		"pairs with gaps and twice":  x("**UK*00614141000012", "****UK*00614141000012*UP*1*UK*2*qq*3").Replace(x12),
		"EDIFACT":                    edifact,
		"service string advice":      "UNA:+.? '\n" + edifact,
		"a decimal comma":            "UNA:+,? '\n" + x("7.25", "7,25").Replace(edifact),
		"no release character":       "UNA:+.  '\n" + edifact,
		"other advice":               "UNA|^.! ~\n" + x(":", "|", "+", "^", "'", "~", "BGM^220^4711", "BGM^220^47!~!!").Replace(edifact),
		"release characters":         x("4711", "4?+7?:1?'1??").Replace(edifact),
		"syntax 4":                   x("UNOC:3", "UNOW:4").Replace(edifact),
		"more of the header":         x("+317'\nUNH", "+317+SECRET++A+1+AGREED+1'\nUNH", "A:14", "A:14:ROUTE").Replace(edifact),
		"a reference of the message": x("UN'\nBGM", "UN:EAN008+REF1'\nBGM").Replace(edifact),
		"groups":                     x("UNH+1", "UNG+ORDERS+A+B+260105:0900+7+UN+D:96A'\nUNH+1", "UNZ+1", "UNE+1+7'\nUNZ+1").Replace(edifact),
		"qualifiers in groups":       x("UNH+1", "UNG+ORDERS+A:14+B:14+260105:0900+7+UN+D:96A:EAN008'\nUNH+1", "UNZ+1", "UNE+1+7'\nUNZ+1").Replace(edifact),
		"ISO 8859-1 in EDIFACT":      x("LIN+1", "FTX+AAI+++Gr\xf6\xdfe'\nLIN+1", "UNT+7", "UNT+8").Replace(edifact),
	} {
		t.Run(name, func(t *testing.T) {
			if why := kindOf(t, []byte(file)); why != "" {
				t.Fatalf("the file is %s: %v\n%s", why, graded(t, []byte(file)).Findings, file)
			}
			for _, items := range []int{0, 1} {
				docs := shaped(t, []byte(file), items)
				got, err := restored(docs)
				if err != nil || !bytes.Equal(got, []byte(file)) {
					t.Errorf("%v\n%s\n%s", err, firstDifference([]byte(file), got), strings.Join(docs, "\n"))
				}
			}
		})
	}
}
