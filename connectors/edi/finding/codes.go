package finding

// Code is our own name of a kind of finding. Codes never change their meaning.
type Code string

// Codes of the level tokens.
const (
	NotEDI             Code = "tokens.not-edi"            // no interchange begins here
	ByteOrderMark      Code = "tokens.byte-order-mark"    // before the first segment
	LeadingBlank       Code = "tokens.leading-blank"      // blank lines before the first segment
	Wrapped            Code = "tokens.wrapped"            // lines cut at a fixed width, through the header
	NoTerminator       Code = "tokens.no-terminator"      // after the last segment
	TrailingData       Code = "tokens.trailing-data"      // after the end of an interchange
	TrailingControl    Code = "tokens.trailing-control"   // an end-of-file character
	TrailingSeparators Code = "tokens.trailing-separator" // empty elements at the end of a segment
	SegmentTooLong     Code = "tokens.segment-too-long"
	SegmentTooWide     Code = "tokens.segment-too-wide" // more elements than anyone reads
	TooLarge           Code = "tokens.too-large"        // more sets or bytes than were agreed
	BadSeparator       Code = "tokens.separator"        // what the header declares cannot separate
	BadTag             Code = "tokens.tag"              // no segment can be called so
)

// Codes of the level envelope.
const (
	HeaderWidth       Code = "envelope.header-width"       // ISA elements that are not padded to their width
	HeaderValue       Code = "envelope.header-value"       // a date, version or indicator in a header
	InterchangeNumber Code = "envelope.interchange-number" // no number
	InterchangeTwice  Code = "envelope.interchange-twice"  // the number comes twice in one file
	InterchangeOpen   Code = "envelope.interchange-open"   // trailer missing
	InterchangeCount  Code = "envelope.interchange-count"
	InterchangeMatch  Code = "envelope.interchange-match" // trailer and header differ
	GroupOpen         Code = "envelope.group-open"
	GroupNumber       Code = "envelope.group-number" // no number
	GroupCount        Code = "envelope.group-count"
	GroupMatch        Code = "envelope.group-match"
	GroupKind         Code = "envelope.group-kind" // GS01 does not fit the sets in it
	SetOpen           Code = "envelope.set-open"
	SetCount          Code = "envelope.set-count"
	SetMatch          Code = "envelope.set-match"
	SetTwice          Code = "envelope.set-twice" // the control number comes twice in one group
	Outside           Code = "envelope.outside"   // a segment outside of its envelope
	Empty             Code = "envelope.empty"     // nothing inside
)

// Codes of the level structure.
const (
	UnknownSet       Code = "structure.unknown-set"       // no grammar: only the envelope is checked
	UnknownSegment   Code = "structure.unknown-segment"   // not in the standard
	ForeignSegment   Code = "structure.foreign-segment"   // in the standard, not in this set
	MisplacedSegment Code = "structure.misplaced-segment" // in this set, not here
	MissingSegment   Code = "structure.missing-segment"
	TooManySegments  Code = "structure.too-many-segments"
	TooManyLoops     Code = "structure.too-many-loops"
)

// Codes of the levels elements and codes.
const (
	MissingElement    Code = "elements.missing"
	ConditionMissing  Code = "elements.condition" // required beside another (P, R, C, L)
	ConditionExcluded Code = "elements.exclusion" // not allowed beside another (E)
	TooManyElements   Code = "elements.too-many"
	TooManyComponents Code = "elements.too-many-components"
	TooManyRepeats    Code = "elements.too-many-repeats"
	TooShort          Code = "elements.too-short"
	TooLong           Code = "elements.too-long"
	WrongCharacters   Code = "elements.characters"
	WrongDate         Code = "elements.date"
	WrongTime         Code = "elements.time"
	UnknownCode       Code = "codes.unknown"
)

// Codes of the level business.
const (
	CheckDigit   Code = "business.check-digit"
	TotalCount   Code = "business.count"     // CTT01, CNT
	HashTotal    Code = "business.hash"      // CTT02
	HierarchyUp  Code = "business.parent"    // HL02 names no HL before
	HierarchyNew Code = "business.hierarchy" // HL01 twice
)

// Codes of the level partner: what breaks the agreement with a partner and not
// the standard.
const (
	PartnerIdentity       Code = "partner.identity" // not from the partner, or not to us
	PartnerUsage          Code = "partner.usage"    // test or production
	PartnerSet            Code = "partner.set"      // not agreed
	PartnerRelease        Code = "partner.release"  // of the set, not agreed
	PartnerClash          Code = "partner.clash"    // the control number came before, with other content
	PartnerScope          Code = "partner.scope"    // a set was refused, and by the agreement what stands around it
	PartnerMissingSegment Code = "partner.missing-segment"
	PartnerManySegments   Code = "partner.too-many-segments"
	PartnerUnusedSegment  Code = "partner.unused-segment"
	PartnerUnusedElement  Code = "partner.unused-element"
	PartnerMissing        Code = "partner.missing-element"
	PartnerCondition      Code = "partner.condition"
	PartnerExclusion      Code = "partner.exclusion"
	PartnerManyElements   Code = "partner.too-many-elements"
	PartnerManyComponents Code = "partner.too-many-components"
	PartnerManyRepeats    Code = "partner.too-many-repeats"
	PartnerTooShort       Code = "partner.too-short"
	PartnerTooLong        Code = "partner.too-long"
	PartnerCharacters     Code = "partner.characters"
	PartnerDate           Code = "partner.date"
	PartnerTime           Code = "partner.time"
	PartnerUnknownCode    Code = "partner.unknown-code"
)

var agreed = map[Code]Code{
	MissingElement: PartnerMissing, ConditionMissing: PartnerCondition, ConditionExcluded: PartnerExclusion,
	TooManyElements: PartnerManyElements, TooManyComponents: PartnerManyComponents, TooManyRepeats: PartnerManyRepeats,
	TooShort: PartnerTooShort, TooLong: PartnerTooLong, WrongCharacters: PartnerCharacters,
	WrongDate: PartnerDate, WrongTime: PartnerTime, UnknownCode: PartnerUnknownCode,
}

// Agreed is the code of the same kind on the level partner; the code itself when
// that level has none.
func (c Code) Agreed() Code {
	if p, ok := agreed[c]; ok {
		return p
	}
	return c
}
