// Code generated from v1/acknowledgement.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Acknowledgement is an answer to a document: it arrived, it is readable, or it
// is accepted.
type Acknowledgement struct {
	// Name and version of the schema, such as acknowledgement/1.0. The minor
	// version only ever adds.
	Schema string `json:"schema"`
	// Canonical id of the acknowledgement: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the acknowledgement, from 1; a lower or
	// equal version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the acknowledgement.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the acknowledgement no longer exists; the document is then its
	// tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// What is answered.
	Of AcknowledgedDocument `json:"of"`
	// System that answers.
	By System `json:"by"`
	// Channel that answers.
	Channel Channel `json:"channel,omitzero"`
	// transport: the file or request arrived. syntax: it could be read (997,
	// CONTRL). business: it is accepted (855, ORDRSP, price live).
	Level AcknowledgementLevel `json:"level"`
	// The answer.
	Status AcknowledgementStatus `json:"status"`
	// Number that the other side gave the document.
	ExternalRef string `json:"externalRef,omitzero"`
	// What the other side complained about.
	Errors []DocumentError `json:"errors,omitzero"`
	// Answers to single lines.
	Lines []AcknowledgedLine `json:"lines,omitzero"`
	// When it was answered.
	At time.Time `json:"at"`
	// Fields of partners or sites that the acknowledgement does not have, by
	// namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// AcknowledgedDocument says what is answered.
type AcknowledgedDocument struct {
	// Id of the message that carried it.
	MessageID string `json:"messageId,omitzero"`
	// Entity of the document, such as order.
	Entity string `json:"entity"`
	// Canonical id of the document.
	ID CanonicalID `json:"id"`
	// Its entityVersion.
	Version *int64 `json:"version,omitzero"`
	// SHA-256 of its content.
	Hash string `json:"hash,omitzero"`
}

// AcknowledgementLevel is one of the constants below. transport: the file or
// request arrived. syntax: it could be read (997, CONTRL). business: it is
// accepted (855, ORDRSP, price live).
type AcknowledgementLevel string

// The values of AcknowledgementLevel.
const (
	AcknowledgementLevelTransport AcknowledgementLevel = "transport"
	AcknowledgementLevelSyntax    AcknowledgementLevel = "syntax"
	AcknowledgementLevelBusiness  AcknowledgementLevel = "business"
)

// AcknowledgementStatus is one of the constants below. The answer.
type AcknowledgementStatus string

// The values of AcknowledgementStatus.
const (
	AcknowledgementStatusReceived            AcknowledgementStatus = "received"
	AcknowledgementStatusAccepted            AcknowledgementStatus = "accepted"
	AcknowledgementStatusAcceptedWithChanges AcknowledgementStatus = "accepted-with-changes"
	AcknowledgementStatusRejected            AcknowledgementStatus = "rejected"
	AcknowledgementStatusPartial             AcknowledgementStatus = "partial"
	AcknowledgementStatusDuplicate           AcknowledgementStatus = "duplicate"
)

// AcknowledgedLine is the answer to one line.
type AcknowledgedLine struct {
	// The line.
	LineID string `json:"lineId"`
	// The answer to the line.
	Status AcknowledgedLineStatus `json:"status"`
	// Quantity accepted.
	Quantity Quantity `json:"quantity,omitzero"`
	// Price accepted.
	UnitPrice Decimal `json:"unitPrice,omitzero"`
	// When it will be delivered.
	Date time.Time `json:"date,omitzero"`
	// Why it was changed or refused.
	Reason string `json:"reason,omitzero"`
}

// AcknowledgedLineStatus is one of the constants below. The answer to the line.
type AcknowledgedLineStatus string

// The values of AcknowledgedLineStatus.
const (
	AcknowledgedLineStatusAccepted    AcknowledgedLineStatus = "accepted"
	AcknowledgedLineStatusChanged     AcknowledgedLineStatus = "changed"
	AcknowledgedLineStatusRejected    AcknowledgedLineStatus = "rejected"
	AcknowledgedLineStatusBackordered AcknowledgedLineStatus = "backordered"
)
