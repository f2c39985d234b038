package lsp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits of one message. An editor sends whole files, of which the language
// takes 4 MB.
const (
	maxContent = 32 << 20
	maxHeader  = 1 << 10 // of one line
	maxHeaders = 16
)

// readFrame reads the content of one message: header lines, an empty line, and
// as many bytes as Content-Length says. It returns io.EOF only between messages.
func readFrame(r *bufio.Reader) ([]byte, error) {
	length := -1
	for n := 0; ; n++ {
		line, err := headerLine(r)
		if errors.Is(err, io.EOF) && n == 0 && line == "" {
			return nil, io.EOF
		}
		if err != nil {
			return nil, fmt.Errorf("reading the header of a message: %w", cut(err))
		}
		if line == "" {
			break
		}
		if n == maxHeaders {
			return nil, fmt.Errorf("a message has more than %d header lines", maxHeaders)
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("expected a header line such as \"Content-Length: 42\", found %q; this command speaks the Language Server Protocol, it is started by an editor", shorten(line))
		}
		if !strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			continue
		}
		value = strings.TrimSpace(value)
		if length, err = strconv.Atoi(value); err != nil || length < 0 {
			return nil, fmt.Errorf("expected a number of bytes after Content-Length, found %q", shorten(value))
		}
		if length > maxContent {
			return nil, fmt.Errorf("a message of %d bytes; %d are the limit", length, maxContent)
		}
	}
	if length < 0 {
		return nil, errors.New("a message without Content-Length")
	}
	content := make([]byte, length)
	if got, err := io.ReadFull(r, content); err != nil {
		return nil, fmt.Errorf("a message ends after %d of %d bytes: %w", got, length, cut(err))
	}
	return content, nil
}

// headerLine reads one line without its end.
func headerLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		b, err := r.ReadByte()
		if err != nil {
			return string(line), err
		}
		if b == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		if line = append(line, b); len(line) > maxHeader {
			return "", fmt.Errorf("a header line is longer than %d bytes", maxHeader)
		}
	}
}

// cut makes the end of the input in the middle of something an error.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func shorten(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func writeFrame(w io.Writer, content []byte) error {
	_, err := fmt.Fprintf(w, "Content-Length: %d\r\n\r\n%s", len(content), content)
	return err
}
