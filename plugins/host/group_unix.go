//go:build unix

package host

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a plugin into a process group of its own: Ctrl-C in a terminal
// reaches the host alone, which then ends its plugins in order, and what a
// plugin starts can be ended with it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// kill ends a process that this host started, with its group.
func kill(pid int) {
	if pid > 0 {
		killGroup(pid)
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
	}
}

// killGroup ends what is left of a plugin's process group.
func killGroup(pid int) {
	if pid > 0 {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // usually nothing is left
	}
}
