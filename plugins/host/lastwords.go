package host

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
)

const (
	// lastLines and longestLine bound what is repeated of what a process printed.
	lastLines   = 5
	longestLine = 300
	// obituary is how long the end of a process may take to become known after
	// its connection broke.
	obituary = 500 * time.Millisecond
)

// lines cuts what is written to it into lines and passes them on, the long ones
// shortened. It is an io.Writer.
type lines struct {
	each func(string)

	mu   sync.Mutex
	open []byte // the line being written
}

func (w *lines) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		w.open = append(w.open, line[:min(len(line), longestLine-len(w.open))]...)
		rest = after
		if ended {
			if s := strings.TrimSpace(strings.ToValidUTF8(string(w.open), "�")); s != "" {
				w.each(s)
			}
			w.open = w.open[:0]
		}
	}
	return len(p), nil
}

// lastWords keeps what a process printed last, and the line in which a Go program
// says why it crashes, which a long stack follows.
type lastWords struct {
	mu       sync.Mutex
	headline string
	lines    []string
}

func (w *lastWords) add(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.headline == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		w.headline = line
	}
	if w.lines = append(w.lines, line); len(w.lines) > lastLines {
		w.lines = w.lines[1:]
	}
}

// String is the headline of a crash, or the last lines.
func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.headline != "" {
		return w.headline
	}
	return strings.Join(w.lines, " | ")
}

// obituaryOf says how a process ended and what it said last; it is empty when
// the process does not end soon.
func obituaryOf(client *plugin.Client, cmd *exec.Cmd, words *lastWords) string {
	for until := time.Now().Add(obituary); !client.Exited(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			return ""
		}
	}
	text := "it ended"
	if cmd.ProcessState != nil {
		text = cmd.ProcessState.String()
	}
	if said := words.String(); said != "" {
		text += ", last printed: " + said
	}
	return text
}
