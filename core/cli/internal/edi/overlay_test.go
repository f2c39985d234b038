package edi

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs `crossdock edi …` and returns what it prints.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := Command()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.Execute()
	return out.String(), err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const guide = "overlay: acme-850\nextends: x12/004010/850\nsegments:\n  REF[DP]: {required: true, max: 1}\n  BEG: {elements: {02: {codes: [SA]}}}\n  CUR: unused\n"

const order = "ISA*00*          *00*          *ZZ*A              *ZZ*B              *260102*0915*U*00401*000000001*0*P*>~" +
	"GS*PO*A*B*20260102*0915*1*X*004010~ST*850*0001~BEG*00*KN*4711**20260102~PO1*1*48*EA~SE*4*0001~GE*1*1~IEA*1*000000001~"

func TestValidateWithAnOverlay(t *testing.T) {
	file, overlay := write(t, "order.edi", order), write(t, "acme-850.yaml", guide)
	if out, err := run(t, "validate", file); err != nil {
		t.Fatalf("the standard takes it: %v\n%s", err, out)
	}
	out, err := run(t, "validate", "--overlay", overlay, file)
	if err == nil || !strings.Contains(out, "REF[DP] (references) is missing before SE") || !strings.Contains(out, "BEG02") {
		t.Errorf("said %v\n%s", err, out)
	}
	if out, err := run(t, "validate", "--overlay", overlay, "--level", "partner=warn", file); err != nil || !strings.Contains(out, "warning") {
		t.Errorf("said %v\n%s", err, out)
	}
	if _, err := run(t, "validate", "--overlay", overlay, "--overlay", overlay, file); err == nil || !strings.Contains(err.Error(), "are both of 850 004010") {
		t.Errorf("two overlays of a set: %v", err)
	}
	if _, err := run(t, "validate", "--overlay", write(t, "b.yaml", guide+"  QQQ: required\n"), file); err == nil || !strings.Contains(err.Error(), "b.yaml:7:3: QQQ") {
		t.Errorf("a wrong overlay: %v", err)
	}
}

func TestExplainAnOverlay(t *testing.T) {
	overlay := write(t, "acme-850.yaml", guide)
	for args, want := range map[string]string{
		"":        "agreed: REF[DP] exactly 1",
		"850":     "agreed: CUR unused",
		"REF":     "agreed: REF[DP] exactly 1\n",
		"850 CUR": "agreed: CUR unused\n",
		"BEG":     "BEG02   92    M  type                         text 2..2  SA\n",
		"850 BEG": "BEG02   92    M  type                         text 2..2  SA\n",
	} {
		out, err := run(t, append([]string{"explain", "--overlay", overlay}, strings.Fields(args)...)...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("explain %s: %v\n%s", args, err, out)
		}
	}
}

func TestLintOverlays(t *testing.T) {
	overlay := write(t, "acme-850.yaml", guide)
	for _, path := range []string{overlay, filepath.Dir(overlay)} {
		if out, err := run(t, "lint", path); err != nil || !strings.Contains(out, "acme-850 of X12 004010: 850") {
			t.Errorf("lint %s: %v\n%s", path, err, out)
		}
	}
	if _, err := run(t, "lint", t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no grammars") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := run(t, "lint", write(t, "a.yaml", guide+"  CRU: unused\n")); err == nil || !strings.Contains(err.Error(), "Did you mean CUR?") {
		t.Errorf("a wrong overlay: %v", err)
	}
	for _, kind := range []string{"grammar", "overlay"} {
		if out, err := run(t, "lint", "--schema", kind); err != nil || !strings.Contains(out, "json-schema.org/draft/2020-12") {
			t.Errorf("schema of %s: %v", kind, err)
		}
	}
}

func TestImport(t *testing.T) {
	dir := t.TempDir()
	file := "../../../../connectors/edi/sef/testdata/parcel.sef"
	out, err := run(t, "import", file, "--into", dir)
	if err != nil || !strings.Contains(out, "X12 004010: 199") {
		t.Fatalf("said %v\n%s", err, out)
	}
	if out, err := run(t, "explain", "199", "BPX", "--grammars", dir); err != nil || !strings.Contains(out, "purchase_order_number") {
		t.Errorf("the import is not used: %v\n%s", err, out)
	}
	if _, err := run(t, "import", file, "--into", dir); err == nil || !strings.Contains(err.Error(), "--replace") {
		t.Errorf("an import overwrote another: %v", err)
	}
	if _, err := run(t, "import", file, "--into", dir, "--replace"); err != nil {
		t.Error(err)
	}
}
