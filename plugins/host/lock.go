package host

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// readLock reads plugins.lock: a line "<sha256>  <name>" for each connector.
func readLock(file string) (map[string]string, error) {
	out := map[string]string{}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) || file == "" {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	line := 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line++
		text := strings.TrimSpace(sc.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		fields := strings.Fields(text)
		if len(fields) != 2 || len(fields[0]) != 64 {
			return nil, fmt.Errorf("%s:%d: expected a SHA-256 and a connector's name, found %q", file, line, text)
		}
		out[fields[1]] = strings.ToLower(fields[0])
	}
	return out, nil
}

// Lock records the SHA-256 of a third-party binary in the lock file, so that it
// may run, and returns it. It does not run the binary.
func Lock(lockFile, binary string) (name, sum string, err error) {
	name, ok := strings.CutPrefix(filepath.Base(binary), BinaryPrefix)
	if !ok || name == "" {
		return "", "", fmt.Errorf("%s: a connector's file is named %s<name>", binary, BinaryPrefix)
	}
	f, err := os.Open(binary)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", "", err
	}
	locks, err := readLock(lockFile)
	if err != nil {
		return "", "", err
	}
	sum = hex.EncodeToString(h.Sum(nil))
	locks[name] = sum
	names := make([]string, 0, len(locks))
	for n := range locks {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString("# SHA-256 of the third-party connectors that may run. Written by `crossdock connector lock`.\n")
	for _, n := range names {
		b.WriteString(locks[n] + "  " + n + "\n")
	}
	if err := os.WriteFile(lockFile+".new", []byte(b.String()), 0o644); err != nil {
		return "", "", err
	}
	return name, sum, os.Rename(lockFile+".new", lockFile)
}

// spawnLocked starts a third-party binary whose content is the locked one. What
// runs is a private copy made while the content was checked, so that exchanging
// the file afterwards changes nothing.
func (c *connector) spawnLocked(path string) (*process, error) {
	locks, err := readLock(c.h.o.LockFile)
	if err != nil {
		return nil, c.problem(protocol.Problem_CONFIG, CodeLock, "", "%v", err)
	}
	want := locks[c.name]
	if want == "" {
		return nil, c.problem(protocol.Problem_CONFIG, CodeLock, "", "%s is not in %s: look at where it comes from, then run `crossdock connector lock %s`", path, c.h.o.LockFile, path)
	}
	private := filepath.Join(c.h.runs.dir, BinaryPrefix+c.name)
	sum, err := copySum(private, path)
	if err != nil {
		return nil, err
	}
	if sum != want {
		return nil, c.problem(protocol.Problem_CONFIG, CodeLock, "", "%s has changed: its SHA-256 is %s, locked is %s; if the change is meant, run `crossdock connector lock %s`", path, sum, want, path)
	}
	return c.spawn([]string{private})
}

// copySum copies a program and returns the SHA-256 of what it copied.
func copySum(to, from string) (string, error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	_ = os.Remove(to) // of an earlier start; it may still run
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o500)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, out.Close())
}
