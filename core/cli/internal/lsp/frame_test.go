package lsp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestMalformedFrames(t *testing.T) {
	for in, want := range map[string]string{
		"GET / HTTP/1.1\r\n\r\n":              "expected a header line such as \"Content-Length: 42\", found \"GET / HTTP/1.1\"",
		"Content-Length: many\r\n\r\n":        "expected a number of bytes after Content-Length, found \"many\"",
		"Content-Length: -1\r\n\r\n":          "found \"-1\"",
		"Content-Length: 99999999999\r\n\r\n": "are the limit",
		"Content-Type: x\r\n\r\n":             "without Content-Length",
		"Content-Length: 10\r\n\r\n{}":        "ends after 2 of 10 bytes",
		"Content-Length: 10":                  "unexpected EOF",
		strings.Repeat("x", 5000):             "longer than 1024 bytes",
		strings.Repeat("A: b\n", 50):          "more than 16 header lines",
		"":                                    "closed the connection without shutdown",
	} {
		err := New(strings.NewReader(in), io.Discard, io.Discard, "", "").Serve(context.Background())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", in, err, want)
		}
	}
}

// FuzzReadFrame: whatever is read ends in contents or in an error, and contents
// that were read can be written and read again.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("Content-Length: 2\r\n\r\n{}"))
	f.Add([]byte("content-length:2\nContent-Type: x\n\n{}Content-Length: 0\n\n"))
	f.Add([]byte("Content-Length: 99\r\n\r\n{}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bufio.NewReader(bytes.NewReader(in))
		for {
			content, err := readFrame(r)
			if err != nil {
				if errors.Is(err, io.EOF) && len(in) > 0 && in[len(in)-1] != '\n' && bytes.IndexByte(in, '\n') < 0 {
					t.Fatalf("%q ends between messages", in)
				}
				return
			}
			var b bytes.Buffer
			if err := writeFrame(&b, content); err != nil {
				t.Fatal(err)
			}
			again, err := readFrame(bufio.NewReader(&b))
			if err != nil || !bytes.Equal(again, content) {
				t.Fatalf("%q came back as %q, %v", content, again, err)
			}
		}
	})
}

// FuzzChanges: an edit anywhere inserts its text and nothing else.
func FuzzChanges(f *testing.F) {
	f.Add("a\nb🙂c\n", 1, 2, 1, 4, "x")
	f.Add("", 9, 9, -1, -1, "é")
	f.Fuzz(func(t *testing.T, text string, l1, c1, l2, c2 int, with string) {
		got := change{&textRange{position{l1, c1}, position{l2, c2}}, with}.apply(text)
		if !strings.Contains(got, with) || len(got) > len(text)+len(with) {
			t.Fatalf("%q became %q", text, got)
		}
		_ = mended(text, l1, max(c1, 0)%1000+1)
	})
}
