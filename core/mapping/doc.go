// Package mapping is the language in which architects say how a document of one
// system becomes a document of another.
//
// A mapping is a YAML file: a tree of rules in the shape of the target, whose
// leaves are CEL expressions over the source. Nothing about it is programmed in
// Go, and nothing about it is found out at night: [Check] type-checks every
// expression against the JSON Schemas of source and target before the mapping
// runs, reports every problem at once with file, line and column, and returns a
// [Mapping] that cannot fail for a reason the schemas could have told.
//
//	mapping: acme.850-to-order
//	version: 3.2.0
//	owner: edi-team@retailer.example
//	source: {format: x12/850, schema: ../schemas/x12-850.json}
//	target: {entity: Order}
//	codelists:
//	  uom: {EA: each, CA: case}
//	let:
//	  ship: src.n1.first(x, x.e == "ST")
//	fields:
//	  orderNumber: src.beg.po
//	  lines:
//	    each: src.po1
//	    as: l
//	    fields:
//	      quantity: {from: l.qty, decimal: any}
//	      uom:      {from: l.uom, map: uom}
//
// # Values
//
// There are four kinds of "nothing", and they stay apart. A member that is not
// there is missing; an expression that reads it has no value, so the rule's
// `default` applies or the target field is left out, and a field that the
// target requires is an error. JSON null is missing too, except that a rule
// consisting of a path alone copies it where the target allows null. The empty
// text is a value until a rule says `emptyAs: missing`. An object whose every
// member has no value is left out.
//
// Nothing is converted unasked: text "12" becomes a number only through int(),
// and money never passes through a binary float (see the functions money, dmul,
// dadd, dsub, dsum and the rule key `decimal`). A JSON number keeps the digits
// it arrived with.
//
// # Running
//
// A Mapping is immutable and safe for concurrent use. [Mapping.Map] reads one
// document, runs the rules in the order of the file (which is also the order of
// the members in its output), checks `assert`, and validates the result against
// the target's schema. Every failure is an [*Error] that names the rule, the
// place in the source document with its loop indexes, and the value.
//
// A document without anything unusual never becomes a tree: the mapping, compiled
// when it was checked, reads its bytes into a record with fixed places, computes
// over it and writes the result's bytes, constraints of the schema included. What
// is unusual is run by an interpreter on top of cel-go, which words all errors and
// warnings; tests compare the two. [Mapping.Interpreted] tells of a mapping that
// needs the interpreter for everything.
//
// Under internal, source reads YAML with its places, schema the schemas of both
// sides; check makes programs of files, with expression for what they say in CEL and
// language for what CEL knows here. program interprets, direct runs without
// interpreting, with form for the forms of texts. insight explains, cursor answers
// editors, inverse judges the way back. difference, page, draft and specification
// beside it serve the commands of those names.
//
// # There and back
//
// A mapping may name its inverse. [Library.RoundTrip] compares the two: which
// rules the inverse undoes, what the others lose, and whether the samples of
// both come back as they were.
//
// Route files use the same expressions without a mapping: see
// [CompilePredicate], [CompileKey] and [CompileSplit].
package mapping
