// Package formats turns files into JSON documents and back: CSV, JSON,
// NDJSON, XML and fixed width.
//
// Mappings work on JSON, so that a partner's choice of format ends here. Two
// rules hold for all formats:
//
//   - The shape of a document follows from the configuration, never from the
//     data: an element that may repeat is an array also when it comes once, a
//     CSV cell is a string also when it looks like a number. Types are the
//     mapping's business.
//   - Nothing is guessed and nothing dropped: a row with a cell too many, a
//     second root, bytes that are not text are errors, each with file, line,
//     column and byte offset.
//
// A Decoder reads a stream with bounded memory: one record at a time, each no
// larger than MaxRecord. An Encoder writes one. Offsets and columns count the
// text after it was decoded to UTF-8; columns count characters, from 1.
package formats
