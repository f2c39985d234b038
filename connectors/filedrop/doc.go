// Package filedrop exchanges files with partners through folders, on this
// machine or on an SFTP server, without losing one, taking one twice or
// showing a half-written one.
//
// A folder is the oldest message queue there is, and it offers one operation
// that is atomic: rename. Everything here is built from it.
//
// # Reading: a Drop
//
//	inbound/                    the partner writes here
//	inbound/.claimed/<instance> taken by this reader, in work
//	inbound/archive/2026-03-14  done, kept
//	inbound/error               not understood, kept, with a .reason.txt
//
// A file is complete when its size and time stood still for a while, or when
// the partner says so with a done file. It is then claimed by a rename into a
// folder that belongs to one reader alone: of two readers that rename the
// same file, one succeeds and the other finds it gone. The claimed file is
// copied to a local spool while its SHA-256 is computed, so that what is
// hashed is what is parsed. Only when every record of it is durable
// elsewhere is it archived. A reader that dies leaves its claims behind and
// finds them at the next start: the same bytes give the same ids, so nothing
// is lost and nothing counts twice.
//
// Partners send the same file again. A Drop remembers the hashes of what it
// archived, and puts a repetition aside as a duplicate. The hash is
// remembered after the records are durable and before the file is moved: a
// crash between the two is recognised by the file's name and time, and only
// the move is repeated.
//
// # Writing: Put
//
// Put writes under a temporary name in the same folder, asks the server to
// flush, and renames. The name must derive from the content's identity, not
// from the clock: a repetition then finds the file in place with the same
// bytes and reports it as already there.
//
// # Transports
//
// FS is the little that both need from a file system. NewFolder is a local
// directory, held by os.Root so that no name leads out of it; NewRemote is
// an SFTP server with host key verification, keepalive, time-outs and
// reconnection. Location is the part of a connector's configuration that
// chooses between them.
package filedrop
