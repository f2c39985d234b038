// Package ledger is the one SQL database of Crossdock: what happened to every
// message, what waits, what died, and what connectors have to remember.
//
// # The idea
//
// A message is finished when its outcome is in the ledger, and only then is it
// acknowledged to the stream it came from. So the ledger may be written twice
// for a message (a crash between the two) but never not at all. Everything that
// is written for one reason is written in one transaction: an outcome, its line
// in the journal, and the counter it moves are all there or all missing.
//
// # Group commit
//
// A durable transaction costs one disk sync, however much is in it. One
// goroutine therefore writes for everyone: it takes all writes that are waiting,
// puts them into one transaction and answers all callers after its commit. With
// one caller this is as fast as the disk; with 256 it is hundreds of times that.
// If one write of the group is refused, the group is rolled back and each is
// tried alone, so that nobody fails for somebody else's mistake.
//
// The journal is written in the same way but nobody waits for it: it follows
// within 50 ms, and is what a crash may cost. It can be made again from the
// streams; outcomes, parked messages and dead letters cannot, and are waited for.
//
// # Two databases
//
// SQLite (in this process, write-ahead log, a sync at every commit) is the
// default; the command line may open the same file beside a running node.
// PostgreSQL is for several nodes. Both run the same statements and pass the
// same tests: times are Unix nanoseconds and documents are bytes, so that
// nothing depends on a dialect. Values are always parameters, never part of a
// statement's text.
package ledger
