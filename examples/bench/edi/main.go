// Command edi measures how fast EDI is read, validated and turned into JSON, on
// one core: beside a plain walk over the segment terminators, and beside
// omniparser v1.0.5, which is built as a program of its own and reads the same
// purchase orders into JSON in the same run.
//
//	go run ./examples/bench/edi -size 200
package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/examples/bench/internal/edifiles"
	"github.com/crossdock/crossdock/examples/bench/internal/peer"
)

//go:embed omniparser_main.go.txt omniparser_850.json
var files embed.FS

type result struct {
	File    string  `json:"file"`
	What    string  `json:"what"`
	MBs     float64 `json:"mb_per_second"`
	Ratio   float64 `json:"ratio_to_terminators"`
	Reading float64 `json:"ratio_to_reading,omitempty"`
	PeakMiB float64 `json:"peak_mib,omitempty"`
}

func main() {
	size := flag.Int("size", 60, "megabytes of each kind of file")
	rounds := flag.Int("rounds", 3, "rounds; the median is told")
	peer := flag.Bool("peer", true, "build and run omniparser v1.0.5 as well")
	asJSON := flag.Bool("json", false, "print one object a line")
	memory := flag.String("memory", "", "only validate this file, and print the peak resident memory (used by the program itself)")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	var err error
	if *memory != "" {
		err = validateAlone(*memory)
	} else {
		err = run(*size, *rounds, *peer, *asJSON)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(size, rounds int, peer, asJSON bool) error {
	dir, err := os.MkdirTemp("", "crossdock-bench-edi-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's own clean-up is the second chance
	for _, kind := range []string{"850", "856", "ORDERS", "846"} {
		name := filepath.Join(dir, kind+".edi")
		if err := edifiles.Write(name, kind, size<<20, 1); err != nil {
			return err
		}
		if err := measure(name, kind, rounds, asJSON); err != nil {
			return err
		}
	}
	if err := extremes(dir, asJSON); err != nil {
		return err
	}
	if !peer {
		return nil
	}
	return omniparser(dir, rounds, asJSON)
}

// measure runs every kind of reading over one file.
func measure(name, kind string, rounds int, asJSON bool) error {
	doc, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	lib := grammar.Open(grammars.FS())
	steps := []struct {
		what string
		do   func() error
	}{
		{"terminators", func() error { return terminators(doc) }},
		{"segments and elements", func() error { return segments(doc) }},
		{"validated, levels 1-5", func() error { return validated(doc, lib, validate.Policy{finding.Business: validate.Off}, &strict{}) }},
		{"validated, all levels", func() error { return validated(doc, lib, nil, &strict{}) }},
		{"validated, to JSON", func() error {
			return validated(doc, lib, nil, &strictJSON{Writer: shape.NewWriter(io.Discard)})
		}},
	}
	base, reading := 0.0, 0.0
	for _, s := range steps {
		took, err := median(rounds, s.do)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", kind, s.what, err)
		}
		r := result{File: kind, What: s.what, MBs: float64(len(doc)) / 1e6 / took.Seconds()}
		if base == 0 {
			base = r.MBs
		}
		r.Ratio = r.MBs / base
		switch {
		case s.what == "segments and elements":
			reading = r.MBs
		case reading > 0:
			r.Reading = r.MBs / reading
		}
		if s.what == "validated, all levels" {
			if r.PeakMiB, err = peak(name); err != nil {
				return err
			}
		}
		tell(r, asJSON)
	}
	return nil
}

func tell(r result, asJSON bool) {
	if asJSON {
		b, err := json.Marshal(r)
		if err == nil {
			fmt.Println(string(b))
		}
		return
	}
	memory := ""
	if r.PeakMiB > 0 {
		memory = fmt.Sprintf("  peak %.0f MiB", r.PeakMiB)
	}
	reading := strings.Repeat(" ", len("  0.00 of reading"))
	if r.Reading > 0 {
		reading = fmt.Sprintf("  %.2f of reading", r.Reading)
	}
	fmt.Printf("%-7s %-30s %8.0f MB/s  %.3f%s%s\n", r.File, r.What, r.MBs, r.Ratio, reading, memory)
}

func median(rounds int, do func() error) (time.Duration, error) {
	var all []time.Duration
	for range rounds {
		runtime.GC()
		began := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

func terminators(doc []byte) error {
	end := byte('~')
	if doc[0] == 'U' {
		end = '\''
	}
	n := 0
	for i := 0; i >= 0; n++ {
		doc = doc[i:]
		if i = bytes.IndexByte(doc, end); i >= 0 {
			i++
		}
	}
	if n < 100 {
		return fmt.Errorf("only %d segments", n)
	}
	return nil
}

func segments(doc []byte) error {
	r := syntax.NewReader(bytes.NewReader(doc), syntax.Options{})
	for {
		if _, err := r.Next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// strict fails at the first finding: the files are valid.
type strict struct{ validate.Ignore }

func (strict) Finding(f finding.Finding) error {
	return fmt.Errorf("a valid file was found fault with: %s", f)
}

type strictJSON struct{ *shape.Writer }

func (strictJSON) Finding(f finding.Finding) error { return strict{}.Finding(f) }

func validated(doc []byte, lib *grammar.Library, p validate.Policy, h validate.Handler) error {
	return (&validate.Validator{Grammars: lib, Policy: p}).Run(bytes.NewReader(doc), h)
}

// peak validates a file in a process of its own, which tells its memory.
func peak(name string) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	out, err := exec.Command(self, "-memory", name).Output()
	if err != nil {
		return 0, fmt.Errorf("validating in a process of its own: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// extremes tells the memory that files take which have a lot of something.
func extremes(dir string, asJSON bool) error {
	for _, x := range []struct{ kind, what string }{
		{"lines", "846 of a million lines"}, {"levels", "856 of a million HL"}, {"scattered", "856, HL numbers in no order"}, {"sets", "a million sets of two segments"},
	} {
		name := filepath.Join(dir, x.kind+".edi")
		if err := edifiles.Write(name, x.kind, 1, 1); err != nil {
			return err
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		began := time.Now()
		mib, err := peak(name)
		if err != nil {
			return err
		}
		tell(result{File: x.kind, What: x.what, MBs: float64(info.Size()) / 1e6 / time.Since(began).Seconds(), PeakMiB: mib}, asJSON)
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

func validateAlone(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	// Extreme files may have more of something than a grammar allows: only their
	// memory is asked for.
	if err := (&validate.Validator{Grammars: grammar.Open(grammars.FS())}).Run(f, validate.Ignore{}); err != nil {
		return err
	}
	// The kernel's high-water mark of this program alone: getrusage's also counts
	// the process that started it.
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				return err
			}
			fmt.Println(kib / 1024)
		}
	}
	return nil
}

// omniparser builds the peer and lets it read a tenth of the purchase orders: it
// takes its time.
func omniparser(dir string, rounds int, asJSON bool) error {
	parts := map[string][]byte{}
	for name, to := range map[string]string{"omniparser_main.go.txt": "main.go", "omniparser_850.json": "850.json"} {
		var err error
		if parts[to], err = files.ReadFile(name); err != nil {
			return err
		}
	}
	binary, err := peer.Build("omniparser", "github.com/jf-tech/omniparser@v1.0.5", parts)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "peer.edi")
	if err := edifiles.Write(name, "850", 4<<20, 1); err != nil {
		return err
	}
	doc, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	lib := grammar.Open(grammars.FS())
	ours, err := median(rounds, func() error {
		return validated(doc, lib, nil, &strictJSON{Writer: shape.NewWriter(io.Discard)})
	})
	if err != nil {
		return err
	}
	theirs, err := median(rounds, func() error {
		cmd := exec.Command(binary, filepath.Join(filepath.Dir(binary), "850.json"), name)
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("omniparser: %w\n%s", err, out)
		}
		return nil
	})
	if err != nil {
		return err
	}
	size := float64(len(doc)) / 1e6
	if !asJSON {
		fmt.Printf("\n850 to JSON, %.0f MB: omniparser v1.0.5 %.1f MB/s, Crossdock with validation %.0f MB/s, ratio %.0f\n", size, size/theirs.Seconds(), size/ours.Seconds(), theirs.Seconds()/ours.Seconds())
		return nil
	}
	tell(result{File: "850", What: "omniparser v1.0.5, to JSON", MBs: size / theirs.Seconds()}, true)
	return nil
}
