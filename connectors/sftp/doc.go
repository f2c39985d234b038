// Package sftp is the connector for partners who exchange files: over SFTP,
// or through a folder of this machine.
//
// As a source it turns files into records: a CSV line, an array element, an
// XML element, a whole JSON document. A file is claimed by a rename, read from
// a local copy, checked from its first to its last byte, and only then handed
// over; it is archived when the core has every record of it on disk. A
// record's id is the hash of the file's content and the record's number, so
// that a file that is read again, after a crash or because the partner sent
// it twice, gives the same ids.
//
// As a sink it writes one file per record or per batch under a name that
// follows from the record, first under a temporary name. What was written is
// remembered, so that a repeated delivery writes nothing, even when the
// partner has collected the file meanwhile.
//
// How files are claimed, archived, put aside and written is package
// connectors/filedrop; how they become JSON is connectors/formats.
package sftp
