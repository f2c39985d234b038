package filedrop

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"sort"
	"sync"
	"time"

	"github.com/pkg/sftp"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// cancelGrace is how long an operation may go on after its context ended:
// most finish, and a connection cut off in the middle of one is expensive.
const cancelGrace = time.Second

// Remote is a folder on an SFTP server. It connects when first used and again
// after a connection was lost; what was under way is repeated once.
type Remote struct {
	server Server
	known  *hostKeys

	mu      sync.Mutex
	current *session
	closed  bool
}

// NewRemote checks the account's settings; it does not connect.
func NewRemote(server Server) (*Remote, error) {
	if server.Timeout == 0 {
		server.Timeout = 30 * time.Second
	}
	if server.KeepAlive == 0 {
		server.KeepAlive = 15 * time.Second
	}
	known, err := parseHostKeys(server.HostKeys, server.KnownHosts)
	if err != nil {
		return nil, err
	}
	if _, err := authMethods(server); err != nil {
		return nil, err
	}
	return &Remote{server: server, known: known}, nil
}

// Where implements FS.
func (r *Remote) Where() string { return r.server.where() }

// Connect connects and logs in unless that has happened. Other methods do so
// themselves; a check wants to see it alone.
func (r *Remote) Connect(ctx context.Context) error {
	_, err := r.session(ctx)
	return err
}

// Close implements FS.
func (r *Remote) Close() error {
	r.mu.Lock()
	s := r.current
	r.current, r.closed = nil, true
	r.mu.Unlock()
	if s != nil {
		s.close()
		s.probes.Wait()
	}
	return nil
}

func (r *Remote) session(ctx context.Context) (*session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, sdk.Fail(sdk.NotConnected, "sftp.closed", fs.ErrClosed)
	}
	if r.current != nil {
		select {
		case <-r.current.done:
			r.current.probes.Wait()
		default:
			return r.current, nil
		}
	}
	s, err := dial(ctx, r.server, r.known)
	if err != nil {
		return nil, err
	}
	r.current = s
	return s, nil
}

// bound closes the session when an operation outlives the time-out or, after
// a grace, its context: nothing else ends a call into a silent server.
func (r *Remote) bound(ctx context.Context, s *session) (release func()) {
	timer := time.AfterFunc(r.server.Timeout, s.close)
	stop := context.AfterFunc(ctx, func() { timer.Reset(cancelGrace) })
	return func() {
		stop()
		timer.Stop()
	}
}

// do runs one operation on a live session, and once more on a new session
// when the connection was lost under it.
func do[T any](ctx context.Context, r *Remote, op, name string, call func(*sftp.Client) (T, error)) (T, error) {
	var zero T
	for attempt := 0; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return zero, err
		}
		s, err := r.session(ctx)
		if err != nil {
			return zero, err
		}
		release := r.bound(ctx, s)
		value, err := call(s.client)
		release()
		if err == nil {
			return value, nil
		}
		if !lost(err) {
			return zero, pathError(r.Where(), op, name, err)
		}
		s.close()
		if attempt > 0 || ctx.Err() != nil {
			return zero, sdk.Fail(sdk.NotConnected, "sftp.lost", pathError(r.Where(), op, name, err))
		}
	}
}

// lost tells whether an error means that the connection is gone.
func lost(err error) bool {
	var status *sftp.StatusError
	if errors.As(err, &status) {
		return errors.Is(err, sftp.ErrSSHFxConnectionLost) || errors.Is(err, sftp.ErrSSHFxNoConnection)
	}
	return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errPartial)
}

// errPartial marks failures found by looking at what the server stored.
var errPartial = errors.New("the server stored another number of bytes than it was sent")

func (r *Remote) path(name string) string {
	if path.IsAbs(name) || r.server.Root == "" {
		return path.Clean(name)
	}
	return path.Join(r.server.Root, name)
}

// ReadDir implements FS.
func (r *Remote) ReadDir(ctx context.Context, dir string) ([]fs.FileInfo, error) {
	infos, err := do(ctx, r, "list", dir, func(c *sftp.Client) ([]fs.FileInfo, error) {
		return c.ReadDirContext(ctx, r.path(dir))
	})
	sort.Slice(infos, func(i, j int) bool { return infos[i].Name() < infos[j].Name() })
	return infos, err
}

// Stat implements FS.
func (r *Remote) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	return do(ctx, r, "stat", name, func(c *sftp.Client) (fs.FileInfo, error) { return c.Stat(r.path(name)) })
}

// Open implements FS.
func (r *Remote) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	file, err := do(ctx, r, "open", name, func(c *sftp.Client) (*sftp.File, error) { return c.Open(r.path(name)) })
	if err != nil {
		return nil, err
	}
	s, err := r.session(ctx)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &remoteFile{ctx: ctx, remote: r, session: s, file: file, name: name}, nil
}

// remoteFile reads with the transport's time-out per piece.
type remoteFile struct {
	ctx     context.Context
	remote  *Remote
	session *session
	file    *sftp.File
	name    string
}

func (f *remoteFile) Read(p []byte) (int, error) {
	release := f.remote.bound(f.ctx, f.session)
	defer release()
	n, err := f.file.Read(p)
	return n, f.failed(err)
}

// WriteTo lets io.Copy keep several requests in flight, which is what makes a
// distant server fast.
func (f *remoteFile) WriteTo(w io.Writer) (int64, error) {
	progress := &progressWriter{to: w, file: f}
	progress.release = f.remote.bound(f.ctx, f.session)
	n, err := f.file.WriteTo(progress)
	progress.release()
	if progress.err != nil {
		return n, progress.err
	}
	return n, f.failed(err)
}

func (f *remoteFile) failed(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if lost(err) {
		return sdk.Fail(sdk.NotConnected, "sftp.lost", pathError(f.remote.Where(), "read", f.name, err))
	}
	return pathError(f.remote.Where(), "read", f.name, err)
}

func (f *remoteFile) Close() error { return f.file.Close() }

// progressWriter restarts the time-out with every piece that arrives, and
// keeps a failure of the receiver apart from one of the connection.
type progressWriter struct {
	to      io.Writer
	file    *remoteFile
	release func()
	err     error
}

func (w *progressWriter) Write(p []byte) (int, error) {
	w.release()
	w.release = w.file.remote.bound(w.file.ctx, w.file.session)
	n, err := w.to.Write(p)
	w.err = err
	return n, err
}

// WriteFile implements FS.
func (r *Remote) WriteFile(ctx context.Context, name string, data []byte) error {
	_, err := do(ctx, r, "write", name, func(c *sftp.Client) (struct{}, error) {
		file, err := c.OpenFile(r.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			return struct{}{}, err
		}
		_, err = file.Write(data)
		if _, can := c.HasExtension("fsync@openssh.com"); err == nil && can {
			err = file.Sync()
		}
		if err = errors.Join(err, file.Close()); err != nil {
			return struct{}{}, err
		}
		// A full disk or a quota shows on some servers only in the size.
		info, err := c.Stat(r.path(name))
		if err == nil && info.Size() != int64(len(data)) {
			err = errPartial
		}
		return struct{}{}, err
	})
	return err
}

// Rename implements FS. OpenSSH refuses a taken name itself; others are asked
// first.
func (r *Remote) Rename(ctx context.Context, from, to string) error {
	return r.move(ctx, from, to, func(c *sftp.Client, old, target string) error {
		if _, err := c.Stat(target); err == nil {
			return fs.ErrExist
		}
		err := c.Rename(old, target)
		if err == nil || lost(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return err
		}
		if _, statErr := c.Stat(target); statErr == nil {
			return fs.ErrExist // OpenSSH says no more than "failure"
		}
		return err
	})
}

// Replace implements FS.
func (r *Remote) Replace(ctx context.Context, from, to string) error {
	return r.move(ctx, from, to, func(c *sftp.Client, old, target string) error {
		if _, can := c.HasExtension("posix-rename@openssh.com"); can {
			return c.PosixRename(old, target)
		}
		err := c.Rename(old, target)
		if err == nil || lost(err) || errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if removeErr := c.Remove(target); removeErr != nil {
			return err // the first refusal is the reason
		}
		return c.Rename(old, target)
	})
}

// move renames, and after a lost connection finds out whether the server had
// done it before the answer got lost.
func (r *Remote) move(ctx context.Context, from, to string, rename func(c *sftp.Client, old, target string) error) error {
	old, target := r.path(from), r.path(to)
	attempts := 0
	_, err := do(ctx, r, "rename", from+" to "+to, func(c *sftp.Client) (struct{}, error) {
		attempts++
		if attempts > 1 {
			_, oldErr := c.Stat(old)
			_, newErr := c.Stat(target)
			if errors.Is(oldErr, fs.ErrNotExist) && newErr == nil {
				return struct{}{}, nil
			}
		}
		return struct{}{}, rename(c, old, target)
	})
	return err
}

// Remove implements FS.
func (r *Remote) Remove(ctx context.Context, name string) error {
	_, err := do(ctx, r, "remove", name, func(c *sftp.Client) (struct{}, error) {
		return struct{}{}, c.Remove(r.path(name))
	})
	return err
}

// MkdirAll implements FS.
func (r *Remote) MkdirAll(ctx context.Context, dir string) error {
	_, err := do(ctx, r, "make folder", dir, func(c *sftp.Client) (struct{}, error) {
		return struct{}{}, c.MkdirAll(r.path(dir))
	})
	return err
}
