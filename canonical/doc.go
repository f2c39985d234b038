// Package canonical is the one vocabulary that every route speaks.
//
// A shop says "line_items", an ERP says "VBAP", an EDI order says "PO1". Instead
// of translating each into each, every source is mapped once to a canonical
// entity (an [Order], an [Inventory] position, a [Promotion]) and every target
// is mapped once from it.
//
// The entities are JSON Schemas (2020-12) in v1/, and those files are the only
// place where a field is defined: the Go types are generated from them, a
// document is checked against them by [Validate], and the mapping language reads
// them through [Schema]. Four annotations tell the middleware what it needs to
// know without knowing any entity by name:
//
//   - x-event, at the root: JSON Pointer to the field whose value names what
//     happened, such as /status; see [Event].
//   - x-key, at the root: JSON Pointer to the default ordering key; see [Key].
//   - x-business-key, on a field: the name under which `crossdock trace` finds
//     the document by this field's value; see [BusinessKeys].
//   - x-personal, on a field: the value is about a person; it never becomes a
//     business key and is masked in logs.
//
// Versions: the major version is the directory (v1), the minor is in each
// document ("order/1.0") and only ever adds; [Compatible] decides what adding
// means and a test holds every schema to what was released.
package canonical

//go:generate go run ./internal/generate
