package estate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// partner is ACME's translator. It empties its inbox all the time, so that a
// file written again after a crash is a new file and not the old one touched
// twice. It recognises a repetition as X12 translators do, by the interchange
// control number: the same number with the same content is the same document,
// with other content it is a fault of the sender.
type partner struct {
	inbox, collected string
	stop, stopped    chan struct{}
	translator       *validate.Validator

	mu       sync.Mutex
	last     error
	seen     map[string][]byte // control number: interchange
	advices  map[string]int    // reference of an 846: times booked
	controls map[string]uint64 // reference of an 846: control number
	acks     map[string]int    // group control number of ours: 997s booked
	repeated int
	broken   []string
}

func startPartner(dir string) (*partner, error) {
	p := &partner{
		inbox: filepath.Join(dir, "sftp", "acme", "inbox"), collected: filepath.Join(dir, "collected"),
		stop: make(chan struct{}), stopped: make(chan struct{}), translator: newTranslator(),
		seen: map[string][]byte{}, advices: map[string]int{}, controls: map[string]uint64{}, acks: map[string]int{},
	}
	if err := os.MkdirAll(p.collected, 0o700); err != nil {
		return nil, err
	}
	go p.run()
	return p, nil
}

func (p *partner) run() {
	defer close(p.stopped)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
		if err := p.collect(); err != nil {
			p.mu.Lock()
			p.last = err
			p.mu.Unlock()
		}
	}
}

func (p *partner) close() {
	close(p.stop)
	<-p.stopped
}

// collect takes everything out of the inbox and books it.
func (p *partner) collect() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	entries, err := os.ReadDir(p.inbox)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".edi") || strings.HasPrefix(entry.Name(), ".") {
			continue // a file that is being written has a temporary name
		}
		to := filepath.Join(p.collected, entry.Name())
		if err := os.Rename(filepath.Join(p.inbox, entry.Name()), to); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		content, err := os.ReadFile(to)
		if err != nil {
			return err
		}
		p.book(entry.Name(), content)
	}
	return nil
}

func (p *partner) book(file string, content []byte) {
	var t translator
	if err := t.read(p.translator, content); err != nil {
		p.broken = append(p.broken, fmt.Sprintf("%s cannot be read: %v", file, err))
		return
	}
	if len(t.broken) > 0 {
		p.broken = append(p.broken, fmt.Sprintf("%s cannot be read: %s", file, strings.Join(t.broken, "; ")))
		return
	}
	if before, ok := p.seen[t.control]; ok {
		if !bytes.Equal(before, content) {
			p.broken = append(p.broken, fmt.Sprintf("%s: control number %s came before, with other content", file, t.control))
		}
		p.repeated++
		return
	}
	p.seen[t.control] = content
	control, err := strconv.ParseUint(t.control, 10, 64)
	if err != nil {
		p.broken = append(p.broken, fmt.Sprintf("%s: control number %q", file, t.control))
	}
	for _, reference := range t.advices {
		p.advices[reference]++
		p.controls[reference] = control
	}
	for _, group := range t.acks {
		p.acks[group]++
	}
}

// inbox is what the partner has booked so far.
type inbox struct {
	advices, acks map[string]int
	controls      map[string]uint64
}

func (e *Estate) partnerInbox() (inbox, error) {
	p := e.acme
	if err := p.collect(); err != nil {
		return inbox{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	in := inbox{advices: map[string]int{}, acks: map[string]int{}, controls: map[string]uint64{}}
	for k, v := range p.advices {
		in.advices[k] = v
	}
	for k, v := range p.acks {
		in.acks[k] = v
	}
	for k, v := range p.controls {
		in.controls[k] = v
	}
	return in, p.last
}

// Irregular lists what the partner would call about: files that cannot be
// read, and control numbers used twice. gaps also lists numbers left out,
// which is right when nothing that was meant for the partner has failed.
func (e *Estate) Irregular(gaps bool) []string {
	p := e.acme
	p.mu.Lock()
	defer p.mu.Unlock()
	out := append([]string(nil), p.broken...)
	for n := 1; gaps && n <= len(p.seen); n++ {
		if _, ok := p.seen[fmt.Sprintf("%09d", n)]; !ok {
			out = append(out, fmt.Sprintf("control number %09d was left out", n))
		}
	}
	return out
}

// Repeated is how many interchanges the partner recognised as repetitions.
func (e *Estate) Repeated() int {
	e.acme.mu.Lock()
	defer e.acme.mu.Unlock()
	return e.acme.repeated
}
