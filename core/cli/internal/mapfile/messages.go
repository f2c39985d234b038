package mapfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/difference"
)

var messageFiles = []string{".json", ".jsonl", ".ndjson"}

// readMessages reads files and folders of recorded documents.
func readMessages(paths []string) ([]difference.Message, error) {
	var out []difference.Message
	for _, p := range paths {
		var files []string
		err := filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (name == p || slices.Contains(messageFiles, strings.ToLower(filepath.Ext(name)))) {
				files = append(files, name)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("the messages cannot be read: %w", err)
		}
		for _, f := range files {
			list, err := readMessageFile(p, f)
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there are no messages in %s; they are JSON files, or .jsonl files with a document a line", strings.Join(paths, ", "))
	}
	return out, nil
}

// readMessageFile reads a file with one document, or with one a line.
func readMessageFile(root, file string) ([]difference.Message, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the messages cannot be read: %w", err)
	}
	name := filepath.Base(file)
	if rel, err := filepath.Rel(root, file); err == nil && rel != "." {
		name = rel
	}
	name = filepath.ToSlash(name)
	lines := strings.ToLower(filepath.Ext(file)) != ".json"
	if !lines && json.Valid(b) {
		return []difference.Message{{Name: name, Doc: b}}, nil
	}
	var out []difference.Message
	for i, line := range bytes.Split(b, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if !json.Valid(line) {
			return nil, fmt.Errorf("%s:%d: not a JSON document; a file holds one document, or one a line", file, i+1)
		}
		out = append(out, difference.Message{Name: fmt.Sprintf("%s:%d", name, i+1), Doc: line})
	}
	return out, nil
}
