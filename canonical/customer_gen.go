// Code generated from v1/customer.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Customer is a person or organisation that buys.
type Customer struct {
	// Name and version of the schema, such as customer/1.0. The minor version only
	// ever adds.
	Schema string `json:"schema"`
	// Canonical id of the customer: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the customer, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the customer.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the customer no longer exists; the document is then its tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// anonymous is a guest known only by identifiers.
	Kind CustomerKind `json:"kind"`
	// Full name, or name of the organisation. Personal data.
	Name string `json:"name,omitzero"`
	// Given name of a person. Personal data.
	GivenName string `json:"givenName,omitzero"`
	// Family name of a person. Personal data.
	FamilyName string `json:"familyName,omitzero"`
	// Electronic mail address. Personal data.
	Email string `json:"email,omitzero"`
	// Telephone number, E.164 where known. Personal data.
	Phone string `json:"phone,omitzero"`
	// Language for messages to the customer.
	Language Language `json:"language,omitzero"`
	// Known addresses.
	Addresses []Address `json:"addresses,omitzero"`
	// Customer segments.
	Segments []string `json:"segments,omitzero"`
	// What the customer agreed to.
	Consents []Consent `json:"consents,omitzero"`
	// VAT and other tax numbers. Personal data.
	TaxIDs []Identifier `json:"taxIds,omitzero"`
	// merged points to another customer; erased had its personal fields removed.
	Status CustomerStatus `json:"status"`
	// The customer that replaced this one.
	MergedInto CanonicalID `json:"mergedInto,omitzero"`
	// Fields of partners or sites that the customer does not have, by namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// CustomerKind is one of the constants below. anonymous is a guest known only
// by identifiers.
type CustomerKind string

// The values of CustomerKind.
const (
	CustomerKindPerson       CustomerKind = "person"
	CustomerKindOrganisation CustomerKind = "organisation"
	CustomerKindAnonymous    CustomerKind = "anonymous"
)

// Consent is one decision.
type Consent struct {
	// What it is for, such as newsletter.
	Purpose string `json:"purpose"`
	// Whether it was given; false is a refusal.
	Granted bool `json:"granted"`
	// When it was decided.
	At time.Time `json:"at,omitzero"`
}

// CustomerStatus is one of the constants below. merged points to another
// customer; erased had its personal fields removed.
type CustomerStatus string

// The values of CustomerStatus.
const (
	CustomerStatusActive  CustomerStatus = "active"
	CustomerStatusBlocked CustomerStatus = "blocked"
	CustomerStatusMerged  CustomerStatus = "merged"
	CustomerStatusErased  CustomerStatus = "erased"
)
