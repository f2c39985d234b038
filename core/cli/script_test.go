package cli

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts' golden files")

// TestMain makes this binary crossdock as well: a script that executes
// crossdock runs Main here, and connectors are started from it by "plugin
// serve", as processes of their own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"crossdock": func() { os.Exit(Main(os.Args[1:])) },
	})
}

// TestScripts plays what users do, from their shell. Besides testscript's own
// commands a script may say
//
//	until <duration> <regexp> <program> [args]   run it until it prints the regexp
//	json                                         standard output must be JSON
//	status <n> <program> [args]                  it must end with this exit status
//	replace <file> <old> <new>                   edit a file
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			// A binary with the race detector otherwise rests for a second
			// before each successful exit.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			samples, err := filepath.Abs("../mapping/testdata")
			env.Setenv("MAPPINGS", samples)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"until": until, "json": isJSON, "status": status, "replace": replace,
		},
	})
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: until <duration> <regexp> <program> [args]")
	}
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	deadline := time.Now().Add(limit)
	for {
		out, runErr := command(ts, args[2:]).CombinedOutput()
		if runErr == nil && want.Match(out) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("after %s `%s` (%v) does not print %s:\n%s", limit, strings.Join(args[2:], " "), runErr, want, out)
		}
		time.Sleep(50 * time.Millisecond) // between two looks
	}
}

func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: json")
	}
	if out := ts.ReadFile("stdout"); !json.Valid([]byte(out)) {
		ts.Fatalf("not JSON:\n%s", out)
	}
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status <n> <program> [args]")
	}
	cmd := command(ts, args[1:])
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	_, _ = ts.Stdout().Write(out.Bytes())
	_, _ = ts.Stderr().Write(errOut.Bytes())
	if cmd.ProcessState == nil {
		ts.Fatalf("`%s` did not start: %v", strings.Join(args[1:], " "), err)
	}
	if got := cmd.ProcessState.ExitCode(); args[0] != string(rune('0'+got)) {
		ts.Fatalf("exit status %d, expected %s\n%s%s", got, args[0], out.Bytes(), errOut.Bytes())
	}
	if errOut.Len() == 0 {
		ts.Fatalf("nothing on standard error says why")
	}
}

// command runs a program with the script's folder and environment.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	path := args[0]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, args[0]); isFile(p) {
			path = p
			break
		}
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.Getenv("PWD")
	if cmd.Dir == "" {
		cmd.Dir = ts.MkAbs(".")
	}
	for _, k := range []string{"PATH", "HOME", "TMPDIR", "WORK", "GORACE"} {
		cmd.Env = append(cmd.Env, k+"="+ts.Getenv(k))
	}
	return cmd
}

func isFile(name string) bool {
	fi, err := os.Stat(name)
	return err == nil && !fi.IsDir()
}

func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace <file> <old> <new>")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}
