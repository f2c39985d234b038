// Code generated from v1/reservation.json by go generate; DO NOT EDIT.

package canonical

import "time"

// Reservation is a quantity of stock held for an owner.
type Reservation struct {
	// Name and version of the schema, such as reservation/1.0. The minor version
	// only ever adds.
	Schema string `json:"schema"`
	// Canonical id of the reservation: stable for life.
	ID CanonicalID `json:"id"`
	// Counter of the system that owns the reservation, from 1; a lower or equal
	// version never overwrites a higher one.
	EntityVersion int64 `json:"entityVersion"`
	// When the owner last changed it.
	UpdatedAt time.Time `json:"updatedAt"`
	// Which system said this, and where in its own order.
	Source Source `json:"source"`
	// Every other name under which systems and partners know the reservation.
	Identifiers []Identifier `json:"identifiers,omitzero"`
	// True when the reservation no longer exists; the document is then its
	// tombstone.
	Deleted *bool `json:"deleted,omitzero"`
	// soft may be broken by a hard one, as for a cart.
	Kind ReservationKind `json:"kind"`
	// Where it stands.
	State ReservationState `json:"state"`
	// Requests with the same key are one reservation.
	IdempotencyKey string `json:"idempotencyKey"`
	// For whom the stock is held.
	Owner ReservationOwner `json:"owner"`
	// Channel it was made on.
	Channel Channel `json:"channel,omitzero"`
	// When it lapses by itself.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	// What is held.
	Lines []ReservationLine `json:"lines"`
	// Whether a part of the quantity may be held.
	Partial *bool `json:"partial,omitzero"`
	// Document number of the reservation in the ERP.
	ERPReference string `json:"erpReference,omitzero"`
	// Fields of partners or sites that the reservation does not have, by
	// namespace.
	Ext map[string]any `json:"ext,omitzero"`
}

// ReservationKind is one of the constants below. soft may be broken by a hard
// one, as for a cart.
type ReservationKind string

// The values of ReservationKind.
const (
	ReservationKindSoft ReservationKind = "soft"
	ReservationKindHard ReservationKind = "hard"
)

// ReservationState is one of the constants below. Where it stands.
type ReservationState string

// The values of ReservationState.
const (
	ReservationStateRequested     ReservationState = "requested"
	ReservationStateHeld          ReservationState = "held"
	ReservationStateConfirmed     ReservationState = "confirmed"
	ReservationStateReleasedToERP ReservationState = "released-to-erp"
	ReservationStateConsumed      ReservationState = "consumed"
	ReservationStateExpired       ReservationState = "expired"
	ReservationStateCancelled     ReservationState = "cancelled"
	ReservationStateRejected      ReservationState = "rejected"
)

// ReservationOwner says for whom the stock is held.
type ReservationOwner struct {
	// What kind of thing the owner is.
	Type ReservationOwnerType `json:"type"`
	// Canonical id of the owner.
	ID CanonicalID `json:"id"`
}

// ReservationLine is one product held.
type ReservationLine struct {
	// Line of the owner, such as the order's.
	LineID string `json:"lineId,omitzero"`
	// The product.
	Product ProductReference `json:"product"`
	// Quantity held.
	Quantity Quantity `json:"quantity"`
	// Unit of the quantity.
	UOM UnitOfMeasure `json:"uom"`
	// Where the quantity comes from.
	Sources []SupplySource `json:"sources,omitzero"`
}

// ReservationOwnerType is one of the constants below. What kind of thing the
// owner is.
type ReservationOwnerType string

// The values of ReservationOwnerType.
const (
	ReservationOwnerTypeCart              ReservationOwnerType = "cart"
	ReservationOwnerTypeOrder             ReservationOwnerType = "order"
	ReservationOwnerTypeTransfer          ReservationOwnerType = "transfer"
	ReservationOwnerTypePromotion         ReservationOwnerType = "promotion"
	ReservationOwnerTypeChannelAllocation ReservationOwnerType = "channel-allocation"
)

// SupplySource is one source.
type SupplySource struct {
	// Location that supplies it.
	Location CanonicalID `json:"location"`
	// Quantity from there.
	Quantity Quantity `json:"quantity"`
	// What kind of supply it is.
	Supply SupplySourceSupply `json:"supply"`
	// When it can be picked.
	AvailableAt time.Time `json:"availableAt,omitzero"`
}

// SupplySourceSupply is one of the constants below. What kind of supply it is.
type SupplySourceSupply string

// The values of SupplySourceSupply.
const (
	SupplySourceSupplyOnHand   SupplySourceSupply = "on-hand"
	SupplySourceSupplyIncoming SupplySourceSupply = "incoming"
	SupplySourceSupplyTransfer SupplySourceSupply = "transfer"
	SupplySourceSupplyDropShip SupplySourceSupply = "drop-ship"
)
