// Code generated from v1/availability.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Availability is the published available-to-promise of one product on one
// channel, with every term of its computation.
type Availability struct {
	// Name and version of the schema, such as availability/1.0. The minor version
	// only ever adds.
	Schema string `json:"schema"`
	// Canonical id of the availability: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the availability, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the availability.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the availability no longer exists; the document is then its
	// tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// The product.
	Product ProductReference `json:"product"`
	// The channel it is published on.
	Channel Channel `json:"channel"`
	// Location it is for; absent for the whole channel.
	Location CanonicalID `json:"location,omitzero"`
	// Unit of every quantity.
	UOM UnitOfMeasure `json:"uom"`
	// What may be sold.
	ATP Quantity `json:"atp"`
	// When it was computed.
	AsOf time.Time `json:"asOf"`
	// Whether a feed it depends on is overdue.
	Stale *bool `json:"stale,omitzero"`
	// The terms of the computation, so that an operator can see why.
	Parts AvailabilityParts `json:"parts"`
	// When more will be available.
	Next []NextQuantity `json:"next,omitzero"`
	// Age of the oldest feed it depends on, in seconds.
	FeedAgeSeconds *int64 `json:"feedAgeSeconds,omitzero"`
	// Rule that had the last word, in words.
	Decision string `json:"decision,omitzero"`
	// Fields of partners or sites that the availability does not have, by
	// namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// AvailabilityParts is the terms of the computation, so that an operator can
// see why.
type AvailabilityParts struct {
	// Physically there; added.
	OnHand Quantity `json:"onHand,omitzero"`
	// Held for orders or carts; subtracted.
	Reserved Quantity `json:"reserved,omitzero"`
	// Set aside for other channels; subtracted.
	AllocatedToOthers Quantity `json:"allocatedToOthers,omitzero"`
	// Kept back; subtracted.
	SafetyStock Quantity `json:"safetyStock,omitzero"`
	// Kept back because the feed is old; subtracted.
	StaleBuffer Quantity `json:"staleBuffer,omitzero"`
	// Expected in time to promise; added.
	Incoming Quantity `json:"incoming,omitzero"`
	// Kept for a promotion; subtracted.
	PromotionCommitment Quantity `json:"promotionCommitment,omitzero"`
	// Most that the locations can still pick; an upper limit.
	CapacityCap Quantity `json:"capacityCap,omitzero"`
}

// NextQuantity is one later quantity.
type NextQuantity struct {
	// Quantity that becomes available.
	Quantity Quantity `json:"quantity"`
	// When.
	At time.Time `json:"at"`
}
